"""The papers behind the losses, as BibTeX."""

ARJOVSKY = r"""
@inproceedings{arjovsky2017wasserstein,
  author    = {Arjovsky, Martin and Chintala, Soumith and Bottou, L{\'e}on},
  title     = {{W}asserstein Generative Adversarial Networks},
  booktitle = {International Conference on Machine Learning},
  eprint    = {1701.07875},
  archivePrefix = {arXiv},
  year      = {2017},
}
"""
BERTHELOT = r"""
@misc{berthelot2017began,
  author    = {Berthelot, David and Schumm, Thomas and Metz, Luke},
  title     = {{BEGAN}: Boundary Equilibrium Generative Adversarial Networks},
  howpublished = {arXiv preprint arXiv:1703.10717},
  year      = {2017},
  url       = {https://arxiv.org/abs/1703.10717},
}
"""
GOODFELLOW = r"""
@inproceedings{goodfellow2014generative,
  author    = {Goodfellow, Ian and Pouget-Abadie, Jean and Mirza, Mehdi and Xu, Bing and Warde-Farley, David and
    Ozair, Sherjil and Courville, Aaron and Bengio, Yoshua},
  title     = {Generative Adversarial Nets},
  booktitle = {Advances in Neural Information Processing Systems},
  volume    = {27},
  eprint    = {1406.2661},
  archivePrefix = {arXiv},
  year      = {2014},
}
"""
GULRAJANI = r"""
@inproceedings{gulrajani2017improved,
  author    = {Gulrajani, Ishaan and Ahmed, Faruk and Arjovsky, Martin and Dumoulin, Vincent and Courville, Aaron},
  title     = {Improved Training of {W}asserstein {GANs}},
  booktitle = {Advances in Neural Information Processing Systems},
  volume    = {30},
  eprint    = {1704.00028},
  archivePrefix = {arXiv},
  year      = {2017},
}
"""
HUANG = r"""
@inproceedings{huang2024gan,
  author    = {Huang, Yiwen and Gokaslan, Aaron and Kuleshov, Volodymyr and Tompkin, James},
  title     = {The {GAN} is dead; long live the {GAN}! A Modern {GAN} Baseline},
  booktitle = {Advances in Neural Information Processing Systems},
  volume    = {37},
  eprint    = {2501.05441},
  archivePrefix = {arXiv},
  year      = {2024},
}
"""
JOLICOEUR = r"""
@misc{jolicoeurmartineau2018relativistic,
  author    = {Jolicoeur-Martineau, Alexia},
  title     = {The relativistic discriminator: a key element missing from standard {GAN}},
  howpublished = {arXiv preprint arXiv:1807.00734},
  year      = {2018},
  url       = {https://arxiv.org/abs/1807.00734},
}
"""
KAVALEROV = r"""
@misc{kavalerov2019multihinge,
  author    = {Kavalerov, Ilya and Czaja, Wojciech and Chellappa, Rama},
  title     = {{cGANs} with Multi-Hinge Loss},
  howpublished = {arXiv preprint arXiv:1912.04216},
  year      = {2019},
  url       = {https://arxiv.org/abs/1912.04216},
}
"""
LI = r"""
@inproceedings{li2017mmd,
  author    = {Li, Chun-Liang and Chang, Wei-Cheng and Cheng, Yu and Yang, Yiming and P{\'o}czos, Barnab{\'a}s},
  title     = {{MMD} {GAN}: Towards Deeper Understanding of Moment Matching Network},
  booktitle = {Advances in Neural Information Processing Systems},
  volume    = {30},
  eprint    = {1705.08584},
  archivePrefix = {arXiv},
  year      = {2017},
}
"""
LIM = r"""
@misc{lim2017geometric,
  author    = {Lim, Jae Hyun and Ye, Jong Chul},
  title     = {Geometric {GAN}},
  howpublished = {arXiv preprint arXiv:1705.02894},
  year      = {2017},
  url       = {https://arxiv.org/abs/1705.02894},
}
"""
MAO = r"""
@inproceedings{mao2017least,
  author    = {Mao, Xudong and Li, Qing and Xie, Haoran and Lau, Raymond Y. K. and Wang, Zhen and
    Smolley, Stephen Paul},
  title     = {Least Squares Generative Adversarial Networks},
  booktitle = {IEEE International Conference on Computer Vision},
  eprint    = {1611.04076},
  archivePrefix = {arXiv},
  year      = {2017},
}
"""
MESCHEDER = r"""
@inproceedings{mescheder2018training,
  author    = {Mescheder, Lars and Geiger, Andreas and Nowozin, Sebastian},
  title     = {Which Training Methods for {GANs} do actually Converge?},
  booktitle = {International Conference on Machine Learning},
  eprint    = {1801.04406},
  archivePrefix = {arXiv},
  year      = {2018},
}
"""
MIYATO = r"""
@inproceedings{miyato2018spectral,
  author    = {Miyato, Takeru and Kataoka, Toshiki and Koyama, Masanori and Yoshida, Yuichi},
  title     = {Spectral Normalization for Generative Adversarial Networks},
  booktitle = {International Conference on Learning Representations},
  eprint    = {1802.05957},
  archivePrefix = {arXiv},
  year      = {2018},
}
"""
NOWOZIN = r"""
@inproceedings{nowozin2016fgan,
  author    = {Nowozin, Sebastian and Cseke, Botond and Tomioka, Ryota},
  title     = {f-{GAN}: Training Generative Neural Samplers using Variational Divergence Minimization},
  booktitle = {Advances in Neural Information Processing Systems},
  volume    = {29},
  eprint    = {1606.00709},
  archivePrefix = {arXiv},
  year      = {2016},
}
"""
ODENA = r"""
@inproceedings{odena2017conditional,
  author    = {Odena, Augustus and Olah, Christopher and Shlens, Jonathon},
  title     = {Conditional Image Synthesis with Auxiliary Classifier {GANs}},
  booktitle = {International Conference on Machine Learning},
  eprint    = {1610.09585},
  archivePrefix = {arXiv},
  year      = {2017},
}
"""
SALIMANS = r"""
@inproceedings{salimans2016improved,
  author    = {Salimans, Tim and Goodfellow, Ian and Zaremba, Wojciech and Cheung, Vicki and Radford, Alec and
    Chen, Xi},
  title     = {Improved Techniques for Training {GANs}},
  booktitle = {Advances in Neural Information Processing Systems},
  volume    = {29},
  eprint    = {1606.03498},
  archivePrefix = {arXiv},
  year      = {2016},
}
"""
YU = r"""
@inproceedings{yu2021dual,
  author    = {Yu, Ning and Liu, Guilin and Dundar, Aysegul and Tao, Andrew and Catanzaro, Bryan and Davis, Larry S. and
    Fritz, Mario},
  title     = {Dual Contrastive Loss and Attention for {GANs}},
  booktitle = {IEEE/CVF International Conference on Computer Vision},
  eprint    = {2103.16748},
  archivePrefix = {arXiv},
  year      = {2021},
}
"""
ZHAO = r"""
@inproceedings{zhao2017energy,
  author    = {Zhao, Junbo and Mathieu, Michael and LeCun, Yann},
  title     = {Energy-based Generative Adversarial Networks},
  booktitle = {International Conference on Learning Representations},
  eprint    = {1609.03126},
  archivePrefix = {arXiv},
  year      = {2017},
}
"""
