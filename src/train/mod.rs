//! Training of our own networks: the recipes of the weights in `models/`. Worker threads of the
//! command line; needs the feature `train`.

mod memory;
pub mod ops;
pub mod optimizer;
pub mod pitch;
pub mod processor;
pub mod random;
pub mod voice;
