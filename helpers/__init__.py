"""The package that the notebooks import. Each name has one home:

core, layers, noise           Parameter, Layer, Sequential; Linear, Conv2d, ReLU, ...; Dropout, GaussianNoise
normalization, augmentation   BatchNorm, LayerNorm, InstanceNorm, GroupNorm; shift, rotate, jitter, cutout, mixup
initializers, losses          he_normal, xavier_uniform, ...; MSELoss, CrossEntropyLoss, BCEWithLogitsLoss
regularizers, optimizers      L1, L2, ElasticNet and the conventions of lambda; SGD, Adam, AdamW
training, experiments         fit, evaluate, EarlyStopping; paired runs over seeds, with their tables and layout
linear_models, data           ridge, lasso, their paths; the data sets, split, minibatches
unfinished, cache             training that was stopped or diverged; finished runs on disk, by their fingerprint
gradcheck, claims, arguments  check_layer; claim; one sentence for bad input
plotting, widgets, checks     figures with alternative text; figures that follow sliders; checks of the assignments
"""
