"""The corrected potential in engines beyond ASE, each imported on demand.

i-PI needs nothing of softfix: ASE's `SocketClient` serves the calculator. LAMMPS: `softfix.engines.lammps`.
TorchSim: `softfix.engines.torchsim`.
"""
