from .api import (
    chi2_divergence as chi2_divergence,
    energy_distance as energy_distance,
    f_divergence as f_divergence,
    js_distance as js_distance,
    js_divergence as js_divergence,
    kl_divergence as kl_divergence,
    mmd as mmd,
    renyi_divergence as renyi_divergence,
    sinkhorn_divergence as sinkhorn_divergence,
    sliced_wasserstein_distance as sliced_wasserstein_distance,
    squared_energy_distance as squared_energy_distance,
    squared_hellinger as squared_hellinger,
    squared_mmd as squared_mmd,
    total_variation as total_variation,
    wasserstein_distance as wasserstein_distance,
)
from .definitions import (
    MMD as MMD,
    ChiSquared as ChiSquared,
    Definition as Definition,
    Energy as Energy,
    EnergyKernel as EnergyKernel,
    FDivergence as FDivergence,
    GaussianKernel as GaussianKernel,
    JensenShannon as JensenShannon,
    JensenShannonDistance as JensenShannonDistance,
    KullbackLeibler as KullbackLeibler,
    LaplacianKernel as LaplacianKernel,
    PositiveKernel as PositiveKernel,
    RatioDivergence as RatioDivergence,
    RationalQuadraticKernel as RationalQuadraticKernel,
    RelativisticPairing as RelativisticPairing,
    Renyi as Renyi,
    ReverseKL as ReverseKL,
    Sinkhorn as Sinkhorn,
    SlicedWasserstein as SlicedWasserstein,
    SoftenedReverseKL as SoftenedReverseKL,
    SquaredHellinger as SquaredHellinger,
    SumKernel as SumKernel,
    TotalVariation as TotalVariation,
    Wasserstein as Wasserstein,
)
from .density import (
    KernelDensity as KernelDensity,
)
from .errors import (
    ConvergenceError as ConvergenceError,
    InvalidPairError as InvalidPairError,
    NoClosedFormError as NoClosedFormError,
    NoDensityError as NoDensityError,
    TooLargeError as TooLargeError,
)
from .estimate import (
    Estimate as Estimate,
)
from .estimation import (
    compare as compare,
    divergence as divergence,
)
from .estimators import (
    KDE as KDE,
    Auto as Auto,
    Classifier as Classifier,
    DebiasedTransport as DebiasedTransport,
    EntropicTransport as EntropicTransport,
    Estimator as Estimator,
    ExactTransport as ExactTransport,
    LipschitzCritic as LipschitzCritic,
    Neighbors as Neighbors,
    Neural as Neural,
    PairwiseKernel as PairwiseKernel,
    Sliced as Sliced,
    Stacked as Stacked,
)
from .evaluation import (
    Evaluation as Evaluation,
    Modes as Modes,
    Score as Score,
    evaluate_generator as evaluate_generator,
)
from .generative import (
    GAN as GAN,
    Autoencoder as Autoencoder,
    GaussianMixture as GaussianMixture,
    GenerativeModel as GenerativeModel,
    GraphicalModel as GraphicalModel,
    VariationalAutoencoder as VariationalAutoencoder,
)
from .measures import (
    Pushforward as Pushforward,
    Samples as Samples,
)
from .networks import (
    ConvolutionalCritic as ConvolutionalCritic,
    ConvolutionalGenerator as ConvolutionalGenerator,
    FourierFeatures as FourierFeatures,
    LipschitzPerceptron as LipschitzPerceptron,
    OnScale as OnScale,
    Perceptron as Perceptron,
)
from .report import (
    Comparison as Comparison,
    plot_calibration as plot_calibration,
    plot_densities as plot_densities,
)
from .training import (
    R1 as R1,
    R2 as R2,
    AnnealedKDE as AnnealedKDE,
    ConjugateCritic as ConjugateCritic,
    Constant as Constant,
    Cosine as Cosine,
    CriticMethod as CriticMethod,
    DebiasedBatches as DebiasedBatches,
    DirectMethod as DirectMethod,
    Geometric as Geometric,
    GradientPenalty as GradientPenalty,
    HandOver as HandOver,
    History as History,
    InstanceNoise as InstanceNoise,
    Linear as Linear,
    LogisticCritic as LogisticCritic,
    MaxSliced as MaxSliced,
    Moment as Moment,
    Monitor as Monitor,
    Objective as Objective,
    Packing as Packing,
    PairingCritic as PairingCritic,
    RandomFourier as RandomFourier,
    Regularizer as Regularizer,
    Row as Row,
    Schedule as Schedule,
    SpectralNorm as SpectralNorm,
    TensorBoard as TensorBoard,
    TopK as TopK,
    TrainingRun as TrainingRun,
    WassersteinCritic as WassersteinCritic,
    WeightClipping as WeightClipping,
    WeightsAndBiases as WeightsAndBiases,
    make_objective as make_objective,
    minimize as minimize,
    resume as resume,
)
from .two_sample import (
    TwoSampleTest as TwoSampleTest,
    two_sample_test as two_sample_test,
)
from .views import (
    compare_features as compare_features,
    plot_critic_map as plot_critic_map,
)
