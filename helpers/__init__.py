"""The package that the notebooks import. Each name has one home; this is the map, in reading order.

core                Parameter, Layer, Sequential: what every part of a network has in common
layers              Linear, Conv2d, ReLU, Tanh, Sigmoid, Flatten
noise               Dropout, GaussianNoise
normalization       BatchNorm, LayerNorm, InstanceNorm, GroupNorm
initializers        he_normal, xavier_uniform, orthogonal, ...
losses              MSELoss, CrossEntropyLoss, BCEWithLogitsLoss
regularizers        L1, L2, ElasticNet; the conventions for lambda
optimizers          SGD, Adam, AdamW
training            fit, evaluate, accuracy, EarlyStopping
experiments         paired and sweep: runs over seeds, and their tables
linear_models       ridge, lasso and their paths
data                the data sets, split, minibatches
augmentation        shift, rotate, jitter, cutout, mixup
gradcheck           numerical_gradient, relative_error, check_layer
claims              claim, claim_with: a takeaway that raises when it stops being true
plotting, widgets   figures with alternative text, and figures that follow sliders

internal/           machinery that no lecture asks you to open
checks/             the checks of the assignments
"""
