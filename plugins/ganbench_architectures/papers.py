"""The papers behind the architectures, as BibTeX."""

RADFORD = r"""
@inproceedings{radford2016unsupervised,
  author    = {Radford, Alec and Metz, Luke and Chintala, Soumith},
  title     = {Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks},
  booktitle = {International Conference on Learning Representations},
  year      = {2016},
}
"""
MIYATO = r"""
@inproceedings{miyato2018spectral,
  author    = {Miyato, Takeru and Kataoka, Toshiki and Koyama, Masanori and Yoshida, Yuichi},
  title     = {Spectral Normalization for Generative Adversarial Networks},
  booktitle = {International Conference on Learning Representations},
  year      = {2018},
}
"""
PROJECTION = r"""
@inproceedings{miyato2018cgans,
  author    = {Miyato, Takeru and Koyama, Masanori},
  title     = {{cGANs} with Projection Discriminator},
  booktitle = {International Conference on Learning Representations},
  year      = {2018},
}
"""
GULRAJANI = r"""
@inproceedings{gulrajani2017improved,
  author    = {Gulrajani, Ishaan and Ahmed, Faruk and Arjovsky, Martin and Dumoulin, Vincent and Courville, Aaron},
  title     = {Improved Training of {Wasserstein} {GANs}},
  booktitle = {Advances in Neural Information Processing Systems},
  volume    = {30},
  year      = {2017},
}
"""
ZHANG = r"""
@inproceedings{zhang2019selfattention,
  author    = {Zhang, Han and Goodfellow, Ian and Metaxas, Dimitris and Odena, Augustus},
  title     = {Self-Attention Generative Adversarial Networks},
  booktitle = {International Conference on Machine Learning},
  year      = {2019},
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
COLLECTIONS = r"""
@misc{pytorchgancollections,
  author       = {{w86763777}},
  title        = {pytorch-gan-collections: {PyTorch} implementation of unsupervised {GANs}},
  howpublished = {\url{https://github.com/w86763777/pytorch-gan-collections}},
  year         = {2021},
}
"""
