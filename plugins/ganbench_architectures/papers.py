"""The papers behind the architectures, as BibTeX."""

RADFORD = r"""
@inproceedings{radford2016unsupervised,
  author    = {Radford, Alec and Metz, Luke and Chintala, Soumith},
  title     = {Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks},
  booktitle = {International Conference on Learning Representations},
  eprint    = {1511.06434},
  archivePrefix = {arXiv},
  year      = {2016},
}
"""
PROJECTION = r"""
@inproceedings{miyato2018cgans,
  author    = {Miyato, Takeru and Koyama, Masanori},
  title     = {{cGANs} with Projection Discriminator},
  booktitle = {International Conference on Learning Representations},
  eprint    = {1802.05637},
  archivePrefix = {arXiv},
  year      = {2018},
}
"""
ZHANG = r"""
@inproceedings{zhang2019selfattention,
  author    = {Zhang, Han and Goodfellow, Ian and Metaxas, Dimitris and Odena, Augustus},
  title     = {Self-Attention Generative Adversarial Networks},
  booktitle = {International Conference on Machine Learning},
  eprint    = {1805.08318},
  archivePrefix = {arXiv},
  year      = {2019},
}
"""
COLLECTIONS = r"""
@misc{pytorchgancollections,
  author       = {{w86763777}},
  title        = {pytorch-gan-collections: {PyTorch} implementation of unsupervised {GANs}},
  howpublished = {https://github.com/w86763777/pytorch-gan-collections},
  year         = {2021},
}
"""
