"""Language models with a memory: trained with their batch as one, and read with what came before (TRIME).

Zhong, Lei and Chen 2022, "Training Language Models with Memory Augmentation", arXiv 2205.12674.
"""
