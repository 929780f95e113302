"""The papers behind the metrics, as BibTeX."""

BINKOWSKI = r"""
@inproceedings{binkowski2018demystifying,
  author    = {Bi{\'n}kowski, Miko{\l}aj and Sutherland, Danica J. and Arbel, Michael and Gretton, Arthur},
  title     = {Demystifying {MMD} {GANs}},
  booktitle = {International Conference on Learning Representations},
  eprint    = {1801.01401},
  archivePrefix = {arXiv},
  year      = {2018},
}
"""
HEUSEL = r"""
@inproceedings{heusel2017gans,
  author    = {Heusel, Martin and Ramsauer, Hubert and Unterthiner, Thomas and Nessler, Bernhard and Hochreiter, Sepp},
  title     = {{GANs} Trained by a Two Time-Scale Update Rule Converge to a Local {N}ash Equilibrium},
  booktitle = {Advances in Neural Information Processing Systems},
  volume    = {30},
  eprint    = {1706.08500},
  archivePrefix = {arXiv},
  year      = {2017},
}
"""
KYNKAANNIEMI = r"""
@inproceedings{kynkaanniemi2019improved,
  author    = {Kynk{\"a}{\"a}nniemi, Tuomas and Karras, Tero and Laine, Samuli and Lehtinen, Jaakko and Aila, Timo},
  title     = {Improved Precision and Recall Metric for Assessing Generative Models},
  booktitle = {Advances in Neural Information Processing Systems},
  volume    = {32},
  eprint    = {1904.06991},
  archivePrefix = {arXiv},
  year      = {2019},
}
"""
NAEEM = r"""
@inproceedings{naeem2020reliable,
  author    = {Naeem, Muhammad Ferjad and Oh, Seong Joon and Uh, Youngjung and Choi, Yunjey and Yoo, Jaejun},
  title     = {Reliable Fidelity and Diversity Metrics for Generative Models},
  booktitle = {International Conference on Machine Learning},
  eprint    = {2002.09797},
  archivePrefix = {arXiv},
  year      = {2020},
}
"""
RABIN = r"""
@inproceedings{rabin2011wasserstein,
  author    = {Rabin, Julien and Peyr{\'e}, Gabriel and Delon, Julie and Bernot, Marc},
  title     = {{W}asserstein Barycenter and Its Application to Texture Mixing},
  booktitle = {Scale Space and Variational Methods in Computer Vision},
  pages     = {435--446},
  year      = {2011},
}
"""
