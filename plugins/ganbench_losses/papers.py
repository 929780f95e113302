"""The papers behind the losses, as BibTeX."""

GOODFELLOW = r"""
@inproceedings{goodfellow2014generative,
  author    = {Goodfellow, Ian and Pouget-Abadie, Jean and Mirza, Mehdi and Xu, Bing and Warde-Farley, David and
    Ozair, Sherjil and Courville, Aaron and Bengio, Yoshua},
  title     = {Generative Adversarial Nets},
  booktitle = {Advances in Neural Information Processing Systems},
  volume    = {27},
  year      = {2014},
}
"""
HUANG = r"""
@inproceedings{huang2024gan,
  author    = {Huang, Yiwen and Gokaslan, Aaron and Kuleshov, Volodymyr and Tompkin, James},
  title     = {The {GAN} is dead; long live the {GAN}! A Modern {GAN} Baseline},
  booktitle = {Advances in Neural Information Processing Systems},
  volume    = {37},
  year      = {2024},
}
"""
JOLICOEUR = r"""
@misc{jolicoeurmartineau2018relativistic,
  author    = {Jolicoeur-Martineau, Alexia},
  title     = {The relativistic discriminator: a key element missing from standard {GAN}},
  eprint    = {1807.00734},
  archivePrefix = {arXiv},
  year      = {2018},
}
"""
MESCHEDER = r"""
@inproceedings{mescheder2018training,
  author    = {Mescheder, Lars and Geiger, Andreas and Nowozin, Sebastian},
  title     = {Which Training Methods for {GANs} do actually Converge?},
  booktitle = {International Conference on Machine Learning},
  year      = {2018},
}
"""
