//! The tensors of an RVC voice by name and shape, as its sizes give them (the generator of the
//! Retrieval-based-Voice-Conversion project without its posterior encoder). No files.

use crate::model::rvc::RvcConfig;
use crate::voice::tensors::Named;

/// The tensor whose shape tells how far the attention sees.
pub(super) const WINDOW: &str = "enc_p.encoder.attn_layers.0.emb_rel_k";

/// Positions of RVC's own attention: 10 back, 10 on and the present.
const POSITIONS: usize = 21;
/// Couplings of the flow; between them channels are turned around, which takes no weights.
const COUPLINGS: usize = 4;
/// Layers of a coupling, and taps of each.
const COUPLING_LAYERS: usize = 3;
const COUPLING_TAPS: usize = 5;
/// Values of the coarse pitch.
const PITCHES: usize = 256;
/// Taps before and after the stages of the generator.
const OUTER_TAPS: usize = 7;

/// How many relative positions the attention knows, read off the shape of [`WINDOW`].
pub(super) fn window(shape: Option<&[usize]>) -> usize {
    match shape {
        Some(&[1, positions, _]) if positions % 2 == 1 && positions <= 513 => positions,
        _ => POSITIONS,
    }
}

/// Every tensor that a voice of these sizes needs, in the order of its layers. `positions`: those
/// of the attention, 21 in voices of RVC.
#[must_use]
pub fn tensors(config: &RvcConfig, positions: usize) -> Vec<Named> {
    let mut layout = Layout(Vec::new());
    layout.add("emb_g.weight", &[config.speakers, config.gin]);
    layout.text_encoder(config, positions);
    for at in 0..COUPLINGS {
        layout.coupling(&format!("flow.flows.{}", 2 * at), config);
    }
    layout.generator(config);
    layout.0
}

struct Layout(Vec<Named>);

impl Layout {
    fn add(&mut self, name: impl Into<String>, shape: &[usize]) {
        self.0.push((name.into(), shape.to_vec()));
    }

    /// A layer with a weight of this shape and a bias.
    fn layer(&mut self, name: &str, shape: &[usize]) {
        self.add(format!("{name}.weight"), shape);
        self.add(format!("{name}.bias"), &shape[..1]);
    }

    /// A convolution whose weight is kept as direction and length.
    fn normed(&mut self, name: &str, shape: [usize; 3]) {
        self.add(format!("{name}.weight_g"), &[shape[0], 1, 1]);
        self.add(format!("{name}.weight_v"), &shape);
    }

    fn normed_layer(&mut self, name: &str, shape: [usize; 3]) {
        self.normed(name, shape);
        self.add(format!("{name}.bias"), &shape[..1]);
    }

    fn text_encoder(&mut self, config: &RvcConfig, positions: usize) {
        let RvcConfig { hidden, filter, .. } = *config;
        self.layer("enc_p.emb_phone", &[hidden, config.version.features()]);
        if config.has_pitch {
            self.add("enc_p.emb_pitch.weight", &[PITCHES, hidden]);
        }
        for at in 0..config.layers {
            let attention = format!("enc_p.encoder.attn_layers.{at}");
            for part in ["emb_rel_k", "emb_rel_v"] {
                let shape = [1, positions, hidden / config.heads];
                self.add(format!("{attention}.{part}"), &shape);
            }
            for part in ["conv_q", "conv_k", "conv_v", "conv_o"] {
                self.layer(&format!("{attention}.{part}"), &[hidden, hidden, 1]);
            }
            let inner = format!("enc_p.encoder.ffn_layers.{at}");
            self.layer(&format!("{inner}.conv_1"), &[filter, hidden, config.kernel]);
            self.layer(&format!("{inner}.conv_2"), &[hidden, filter, config.kernel]);
            for norm in ["norm_layers_1", "norm_layers_2"] {
                for part in ["gamma", "beta"] {
                    self.add(format!("enc_p.encoder.{norm}.{at}.{part}"), &[hidden]);
                }
            }
        }
        self.layer("enc_p.proj", &[2 * config.inter, hidden, 1]);
    }

    fn coupling(&mut self, name: &str, config: &RvcConfig) {
        let RvcConfig { hidden, gin, .. } = *config;
        let half = config.inter / 2;
        self.layer(&format!("{name}.pre"), &[hidden, half, 1]);
        let conditions = [2 * hidden * COUPLING_LAYERS, gin, 1];
        self.normed_layer(&format!("{name}.enc.cond_layer"), conditions);
        for at in 0..COUPLING_LAYERS {
            let inner = [2 * hidden, hidden, COUPLING_TAPS];
            self.normed_layer(&format!("{name}.enc.in_layers.{at}"), inner);
            // The last layer hands nothing on to a next.
            let out = if at + 1 < COUPLING_LAYERS { 2 } else { 1 } * hidden;
            self.normed_layer(
                &format!("{name}.enc.res_skip_layers.{at}"),
                [out, hidden, 1],
            );
        }
        self.layer(&format!("{name}.post"), &[half, hidden, 1]);
    }

    fn generator(&mut self, config: &RvcConfig) {
        if config.has_pitch {
            self.layer("dec.m_source.l_linear", &[1, 1]);
        }
        let first = config.upsample_initial;
        self.layer("dec.conv_pre", &[first, config.inter, OUTER_TAPS]);
        self.layer("dec.cond", &[first, config.gin, 1]);
        for (at, &taps) in config.upsample_kernels.iter().enumerate() {
            let (before, after) = (first >> at, first >> (at + 1));
            // Transposed: the first dimension is that of the input, which the norm goes by.
            let name = format!("dec.ups.{at}");
            self.normed(&name, [before, after, taps]);
            self.add(format!("{name}.bias"), &[after]);
            if config.has_pitch {
                let rest: usize = config.upsample_rates[at + 1..].iter().product();
                let taps = match at + 1 == config.upsample_rates.len() {
                    true => 1,
                    false => 2 * rest,
                };
                self.layer(&format!("dec.noise_convs.{at}"), &[after, 1, taps]);
            }
            let kernels = config.resblock_kernels.len();
            let blocks = (config.resblock_kernels.iter()).zip(&config.resblock_dilations);
            for (of_stage, (&taps, dilations)) in blocks.enumerate() {
                let name = format!("dec.resblocks.{}", at * kernels + of_stage);
                for part in ["convs1", "convs2"] {
                    for at in 0..dilations.len() {
                        self.normed_layer(&format!("{name}.{part}.{at}"), [after, after, taps]);
                    }
                }
            }
        }
        let last = first >> config.upsample_kernels.len();
        self.add("dec.conv_post.weight", &[1, last, OUTER_TAPS]);
    }
}
