//! The sizes of our own voices: what a description says, and which tensors follow from it.
//! Constants and checks only.

/// The most frames of 10 ms that an encoder waits for.
pub const MOST_AHEAD: usize = 2;
/// The most channels, values of content or of an embedding.
const MOST_WIDTH: usize = 1_024;
/// The most blocks, and the longest dilation.
const MOST_BLOCKS: usize = 32;
const MOST_DILATION: usize = 64;

/// Taps of the convolution of a block.
pub(super) const TAPS: usize = 3;

/// Sizes that no network of ours has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found {found}: is it a file of a later version?")]
pub struct ConfigError {
    /// What networks of ours have.
    pub expected: &'static str,
    /// What was asked for.
    pub found: String,
}

/// Name and shape of every tensor of a network.
pub type Shapes = Vec<(String, Vec<usize>)>;

/// The sizes of a content encoder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncoderConfig {
    /// Frames of 10 ms after an instant that its content is made of, 0..=[`MOST_AHEAD`].
    pub ahead: usize,
    /// Channels.
    pub width: usize,
    /// Dilation of each block.
    pub dilations: Vec<usize>,
    /// Values of content per frame.
    pub content: usize,
}

impl Default for EncoderConfig {
    fn default() -> Self {
        Self {
            ahead: 1,
            width: 192,
            dilations: vec![1, 2, 4, 8, 1, 2, 4, 8],
            content: 64,
        }
    }
}

impl EncoderConfig {
    /// Whether a network can be made of it.
    ///
    /// # Errors
    /// If a size is beyond what networks have.
    pub fn check(&self) -> Result<(), ConfigError> {
        within("0, 1 or 2 frames ahead", self.ahead, 0, MOST_AHEAD)?;
        within("1 to 1024 channels", self.width, 1, MOST_WIDTH)?;
        within("1 to 1024 values of content", self.content, 1, MOST_WIDTH)?;
        check_dilations(&self.dilations)
    }

    /// Taps of the first convolution.
    pub(super) fn input_taps(&self) -> usize {
        2 * self.ahead + 1
    }

    /// Names and shapes of the weights, in the order of the computation.
    #[must_use]
    pub fn shapes(&self) -> Shapes {
        let width = self.width;
        let input = vec![width, super::features::BANDS, self.input_taps()];
        let mut shapes = affine("encoder.input", input);
        for n in 0..self.dilations.len() {
            shapes.extend(block(&format!("encoder.blocks.{n}"), width));
        }
        shapes.extend(affine("encoder.norm", vec![width]));
        shapes.extend(affine("encoder.content", vec![self.content, width]));
        shapes
    }
}

/// The sizes of a decoder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecoderConfig {
    /// Values of content per frame, those of its encoder.
    pub content: usize,
    /// Values that say who speaks.
    pub embedding: usize,
    /// Channels.
    pub width: usize,
    /// Dilation of each block.
    pub dilations: Vec<usize>,
}

impl Default for DecoderConfig {
    fn default() -> Self {
        Self {
            content: 64,
            embedding: 64,
            width: 192,
            dilations: vec![1, 2, 4, 1, 2, 4],
        }
    }
}

impl DecoderConfig {
    /// Whether a network can be made of it.
    ///
    /// # Errors
    /// If a size is beyond what networks have.
    pub fn check(&self) -> Result<(), ConfigError> {
        within("1 to 1024 values of content", self.content, 1, MOST_WIDTH)?;
        let embedding = self.embedding;
        within("1 to 1024 values of an embedding", embedding, 1, MOST_WIDTH)?;
        within("1 to 1024 channels", self.width, 1, MOST_WIDTH)?;
        check_dilations(&self.dilations)
    }

    /// Names and shapes of the weights, in the order of the computation. Who speaks is not among
    /// them: [`Self::embedding_shape`].
    #[must_use]
    pub fn shapes(&self) -> Shapes {
        let width = self.width;
        let input = vec![width, self.content + super::decoder::SUNG];
        let mut shapes = affine("decoder.input", input);
        for n in 0..self.dilations.len() {
            let name = format!("decoder.blocks.{n}");
            shapes.extend(block(&name, width));
            shapes.push((
                format!("{name}.speaker.weight"),
                vec![width, self.embedding],
            ));
        }
        shapes.extend(affine("decoder.norm", vec![width]));
        shapes.extend(affine("decoder.head", vec![2 * super::grid::BANDS, width]));
        shapes
    }

    /// Name and shape of the one embedding that a voice's file has.
    #[must_use]
    pub fn embedding_shape(&self) -> (String, Vec<usize>) {
        ("voice.embedding".to_owned(), vec![self.embedding])
    }
}

/// An encoder and a decoder that belong together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DdspConfig {
    /// The content encoder, one for all voices.
    pub encoder: EncoderConfig,
    /// The voice.
    pub decoder: DecoderConfig,
}

impl DdspConfig {
    /// Whether networks can be made of it.
    ///
    /// # Errors
    /// If a size is beyond what networks have, or the two do not fit each other.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.encoder.check()?;
        self.decoder.check()?;
        let content = self.encoder.content;
        match self.decoder.content == content {
            true => Ok(()),
            false => Err(ConfigError {
                expected: "a decoder of as many values of content as the encoder gives",
                found: format!("{} for {content}", self.decoder.content),
            }),
        }
    }

    /// Names and shapes of all weights: encoder, decoder, and who speaks.
    #[must_use]
    pub fn shapes(&self) -> Shapes {
        let mut shapes = self.encoder.shapes();
        shapes.extend(self.decoder.shapes());
        shapes.push(self.decoder.embedding_shape());
        shapes
    }
}

fn within(
    expected: &'static str,
    found: usize,
    least: usize,
    most: usize,
) -> Result<(), ConfigError> {
    match (least..=most).contains(&found) {
        true => Ok(()),
        false => Err(ConfigError {
            expected,
            found: found.to_string(),
        }),
    }
}

fn check_dilations(dilations: &[usize]) -> Result<(), ConfigError> {
    within("1 to 32 blocks", dilations.len(), 1, MOST_BLOCKS)?;
    for dilation in dilations {
        within("dilations of 1 to 64 frames", *dilation, 1, MOST_DILATION)?;
    }
    Ok(())
}

/// A weight of this shape and a bias for each of its outputs.
fn affine(name: &str, shape: Vec<usize>) -> Shapes {
    let outs = shape[0];
    vec![
        (format!("{name}.weight"), shape),
        (format!("{name}.bias"), vec![outs]),
    ]
}

fn block(name: &str, width: usize) -> Shapes {
    [
        affine(&format!("{name}.norm"), vec![width]),
        affine(&format!("{name}.conv"), vec![width, width, TAPS]),
        affine(&format!("{name}.out"), vec![width, width]),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_networks_have_about_a_million_weights_each() {
        let config = DdspConfig::default();
        config.check().unwrap();
        let count = |shapes: &Shapes| -> usize {
            let sizes = shapes
                .iter()
                .map(|(_, shape)| shape.iter().product::<usize>());
            sizes.sum()
        };
        for shapes in [config.encoder.shapes(), config.decoder.shapes()] {
            assert!((900_000..1_300_000).contains(&count(&shapes)));
        }
        let all = config.shapes();
        let names: std::collections::BTreeSet<_> = all.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), all.len(), "names are there once");
    }

    #[test]
    fn sizes_that_no_network_has_are_refused() {
        let usual = DdspConfig::default();
        type Change = fn(&mut DdspConfig);
        let table: [(Change, &str); 7] = [
            (|c| c.encoder.ahead = 3, "0, 1 or 2 frames ahead, found 3"),
            (|c| c.encoder.width = 0, "channels, found 0"),
            (|c| c.decoder.width = 1_025, "channels, found 1025"),
            (|c| c.encoder.dilations.clear(), "blocks, found 0"),
            (|c| c.decoder.dilations[2] = 65, "frames, found 65"),
            (|c| c.decoder.embedding = 0, "embedding, found 0"),
            (|c| c.decoder.content = 63, "found 63 for 64"),
        ];
        for (change, expected) in table {
            let mut config = usual.clone();
            change(&mut config);
            let error = config.check().unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
