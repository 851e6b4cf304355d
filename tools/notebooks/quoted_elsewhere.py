"""Numbers that the lectures quote from elsewhere: each with its source or its arithmetic."""

DATA = {"1,797": "examples in data/digits.csv", "442": "patients in data/diabetes.csv"}
ASSIGNMENT = "deeplearning.ai, Improving Deep Neural Networks, week 1, Regularization"
START = "deeplearning.ai, Improving Deep Neural Networks, week 1, Initialization"

ELSEWHERE = {
    "00": {
        "1,797": DATA["1,797"],
        "14": "the lines of softmax, forward, cross_entropy and gradients",
        "0.76": "scikit-learn's user guide, Common pitfalls",
    },
    "01": {"442": DATA["442"]},
    "02": {
        "442": DATA["442"],
        "30,000": ASSIGNMENT,
        ".948": ASSIGNMENT,
        ".915": ASSIGNMENT,
        ".938": ASSIGNMENT,
        ".930": ASSIGNMENT,
        "1.5": "the difference of .930 and .915, in points",
        "7780": "the number of an issue of Apache Spark",
        "0.84": "scikit-learn, issue 9979",
    },
    "03": {
        "0.36": "Dive into Deep Learning, first edition, section 4.5: 0.34 to 0.39 by framework"
    },
    "04": {
        "5e-11": "CS231n, assignment 2, Dropout.ipynb",
        "784": "STAT 453, the widths of its network",
        "75": "STAT 453, the widths of its network",
        "45": "STAT 453, the widths of its network",
        "0.86": ASSIGNMENT,
        "30,000": ASSIGNMENT,
    },
    "05": {"0.86": START, "15,000": START},
    "07": {
        "10^{-3}": "Keras, BatchNormalization",
        "2,000": "PyTorch, issue 51102",
        "48,426": "PyTorch, issue 51102",
        "10^8": "the square of the mean 10,000",
    },
    "09": {
        "1,797": DATA["1,797"],
        "250": "what people say",
        "3407": "Picard (2021), in the title",
        "10,000": "Picard (2021), abstract",
    },
}
