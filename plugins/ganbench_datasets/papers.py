"""The papers behind the datasets, as BibTeX."""

ALPAYDIN = r"""
@misc{alpaydin1998optical,
  author    = {Alpaydin, E. and Kaynak, C.},
  title     = {Optical Recognition of Handwritten Digits},
  howpublished = {UCI Machine Learning Repository},
  year      = {1998},
  doi       = {10.24432/C50P49},
}
"""
COATES = r"""
@inproceedings{coates2011analysis,
  author    = {Coates, Adam and Ng, Andrew and Lee, Honglak},
  title     = {An Analysis of Single-Layer Networks in Unsupervised Feature Learning},
  booktitle = {International Conference on Artificial Intelligence and Statistics},
  pages     = {215--223},
  year      = {2011},
}
"""
KRIZHEVSKY = r"""
@techreport{krizhevsky2009learning,
  author    = {Krizhevsky, Alex},
  title     = {Learning Multiple Layers of Features from Tiny Images},
  institution = {University of Toronto},
  year      = {2009},
}
"""
LECUN = r"""
@article{lecun1998gradient,
  author    = {LeCun, Yann and Bottou, L{\'e}on and Bengio, Yoshua and Haffner, Patrick},
  title     = {Gradient-Based Learning Applied to Document Recognition},
  journal   = {Proceedings of the IEEE},
  volume    = {86},
  number    = {11},
  pages     = {2278--2324},
  year      = {1998},
  doi       = {10.1109/5.726791},
}
"""
LIU = r"""
@inproceedings{liu2015deep,
  author    = {Liu, Ziwei and Luo, Ping and Wang, Xiaogang and Tang, Xiaoou},
  title     = {Deep Learning Face Attributes in the Wild},
  booktitle = {IEEE International Conference on Computer Vision},
  eprint    = {1411.7766},
  archivePrefix = {arXiv},
  year      = {2015},
}
"""
METZ = r"""
@inproceedings{metz2017unrolled,
  author    = {Metz, Luke and Poole, Ben and Pfau, David and Sohl-Dickstein, Jascha},
  title     = {Unrolled Generative Adversarial Networks},
  booktitle = {International Conference on Learning Representations},
  eprint    = {1611.02163},
  archivePrefix = {arXiv},
  year      = {2017},
}
"""
NETZER = r"""
@inproceedings{netzer2011reading,
  author    = {Netzer, Yuval and Wang, Tao and Coates, Adam and Bissacco, Alessandro and Wu, Bo and Ng, Andrew Y.},
  title     = {Reading Digits in Natural Images with Unsupervised Feature Learning},
  booktitle = {NIPS Workshop on Deep Learning and Unsupervised Feature Learning},
  year      = {2011},
}
"""
XIAO = r"""
@misc{xiao2017fashion,
  author    = {Xiao, Han and Rasul, Kashif and Vollgraf, Roland},
  title     = {{Fashion-MNIST}: a Novel Image Dataset for Benchmarking Machine Learning Algorithms},
  howpublished = {arXiv preprint arXiv:1708.07747},
  year      = {2017},
  url       = {https://arxiv.org/abs/1708.07747},
}
"""
