//! The weights of RMVPE on a device.

use autovoice_kernels::gpu::{BiGru, Conv2d, Device, Direction, Matrix, Precision};

use super::unet::Unet;
use crate::model::PITCH_BINS;
use crate::model::rmvpe::{BANDS, EPSILON, RmvpeConfig, SEEN, STATE};
use crate::nn::device::DeviceError;
use crate::nn::{Affine, Scope};
use crate::units::Frames;

/// See the module.
pub(super) struct Layers<B> {
    /// Of the spectra: what they are multiplied with, and what is added then.
    pub norm: (f32, f32),
    pub unet: Unet<B>,
    pub seen: Conv2d<B>,
    pub gru: BiGru<B>,
    pub linear: Matrix<B>,
    /// Of the first level.
    pub channels: usize,
    pub longest: Frames,
    pub work_len: usize,
}

/// What layers are built with, and what they ask for.
pub(super) struct Making<'a, D: Device> {
    pub device: &'a D,
    pub precision: Precision,
    pub longest: Frames,
    /// Values of work memory that the neediest layer wants.
    pub work_len: usize,
}

impl<D: Device> Making<'_, D> {
    /// Pixels of an image of a level, with those behind its rows.
    pub fn pixels(&self, level: usize) -> usize {
        (self.longest >> level) * ((BANDS >> level) + 1)
    }

    /// A convolution over images of a level, with a normalisation behind it.
    pub fn conv2d(
        &mut self,
        level: usize,
        (ins, outs, kernel): (usize, usize, usize),
        weights: &Scope,
        norm: Option<&Affine>,
    ) -> Result<Conv2d<D::Buffer>, DeviceError> {
        let values = weights.get("weight", &[outs, ins, kernel, kernel])?;
        let (values, bias) = match norm {
            None => (values.to_vec(), weights.get_or_zeros("bias", &[outs])?),
            Some(norm) => {
                let rows = values.chunks_exact(ins * kernel * kernel);
                let scaled = rows.zip(&norm.scale);
                let scaled = scaled.flat_map(|(row, scale)| row.iter().map(move |w| scale * w));
                (scaled.collect(), norm.shift.clone())
            }
        };
        let shape = (ins, outs, kernel);
        let conv = Conv2d::new(self.device, shape, &values, &bias, self.precision)?;
        let work = conv.work_len(self.device, self.pixels(level));
        self.work_len = self.work_len.max(work);
        Ok(conv)
    }
}

impl<B> Layers<B> {
    /// For windows of at most so many spectra. Allocates.
    pub fn new<D: Device<Buffer = B>>(
        device: &D,
        config: RmvpeConfig,
        (longest, precision): (Frames, Precision),
        weights: &Scope,
    ) -> Result<Self, DeviceError> {
        let mut making = Making {
            device,
            precision,
            longest,
            work_len: 0,
        };
        let part = weights.part("unet");
        let norm = Affine::batch_norm(1, EPSILON, &part.part("encoder").part("bn"))?;
        let unet = Unet::new(&mut making, config, &part)?;
        let shape = (config.channels, SEEN, 3);
        let seen = making.conv2d(0, shape, &weights.part("cnn"), None)?;
        let gru = gru(device, precision, &weights.part("fc.0.gru"))?;
        let last = weights.part("fc.1");
        let w = last.get("weight", &[PITCH_BINS, 2 * STATE])?;
        let bias = last.get("bias", &[PITCH_BINS])?;
        let shape = (PITCH_BINS, 2 * STATE);
        let linear = Matrix::new(device, shape, w, Some(bias), precision)?;
        let works = [
            making.work_len,
            gru.work_len(device, longest),
            linear.work_len(device, longest),
        ];
        Ok(Self {
            norm: (norm.scale[0], norm.shift[0]),
            work_len: works.into_iter().fold(0, usize::max),
            channels: config.channels,
            unet,
            seen,
            gru,
            linear,
            longest,
        })
    }
}

/// The recurrent layer, which hears bands with their channels, and the pixel behind them with no weight; in
/// the checkpoint it is channels with their bands.
fn gru<D: Device>(
    device: &D,
    precision: Precision,
    weights: &Scope,
) -> Result<BiGru<D::Buffer>, DeviceError> {
    let (ins, padded) = (SEEN * BANDS, SEEN * (BANDS + 1));
    let mut from_inputs = Vec::new();
    for suffix in ["l0", "l0_reverse"] {
        let values = weights.get(&format!("weight_ih_{suffix}"), &[3 * STATE, ins])?;
        let mut moved = vec![0.0; 3 * STATE * padded];
        for (n, w) in values.iter().enumerate() {
            let (row, channel, band) = (n / ins, n / BANDS % SEEN, n % BANDS);
            moved[row * padded + band * SEEN + channel] = *w;
        }
        from_inputs.push(moved);
    }
    let direction = |n: usize, suffix: &str| {
        let get = |name: &str, shape: &[usize]| weights.get(&format!("{name}_{suffix}"), shape);
        Ok::<_, DeviceError>(Direction {
            from_input: &from_inputs[n],
            from_state: get("weight_hh", &[3 * STATE, STATE])?,
            input_bias: get("bias_ih", &[3 * STATE])?,
            state_bias: get("bias_hh", &[3 * STATE])?,
        })
    };
    let directions = [direction(0, "l0")?, direction(1, "l0_reverse")?];
    Ok(BiGru::new(device, (padded, STATE), directions, precision)?)
}
