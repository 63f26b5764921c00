//! A content encoder whose weights many streams share. Any thread; allocates.

use autovoice_kernels::cpu::Footprint;

use super::{Body, ContentConfig, Front, Output, Reach};
use crate::nn::{Scope, WeightsError};

/// The weights of an encoder, packed.
#[derive(Clone, Debug)]
pub struct Encoder {
    config: ContentConfig,
    front: Front,
    body: Body,
}

impl Encoder {
    /// From weights under the names of transformers' `HubertModel`.
    ///
    /// # Errors
    /// If the weights do not fit.
    pub fn new(config: &ContentConfig, weights: &Scope) -> Result<Self, WeightsError> {
        let reach = Reach { most: 1, past: 0 };
        Ok(Self {
            config: *config,
            front: Front::new(config, 1, weights)?,
            body: Body::new(config, reach, weights)?,
        })
    }

    /// What its weights take.
    #[must_use]
    pub fn footprint(&self) -> Footprint {
        self.front.footprint() + self.body.footprint()
    }

    /// A stream that takes steps of at most `samples` samples of 16 kHz. None where the output is
    /// projected and the encoder has no projection.
    #[must_use]
    pub fn stream(&self, output: Output, samples: usize, reach: Reach) -> Option<(Front, Body)> {
        let output = Output {
            // A smaller encoder has fewer layers.
            layers: output.layers.min(self.config.layers),
            ..output
        };
        let body = self.body.taking(output, reach)?;
        Some((self.front.sized(samples), body))
    }
}
