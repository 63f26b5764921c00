//! What listens: the content encoder of RVC's voices, of seeded weights.

use autovoice::model::content::{
    Body, ContentConfig, DeviceEncoder, Front, HOP, Hearing, Loudness, Output, Reach,
};
use autovoice::nn::Weights;
use autovoice::quality::seeded;
use autovoice::voice::models::content_tensors;
use autovoice_kernels::gpu::{Device, Precision};

use crate::rvc::noise;
use crate::steps::{Failed, head, on_a_card, on_a_cpu};

/// Frames of 20 ms in a hop, and looked at ahead: those of a device, and of a CPU's qualities.
const HOPS: [(usize, usize); 4] = [(1, 0), (2, 0), (4, 1), (8, 5)];
/// Frames of the past that attention sees, as the engine has it.
const PAST: usize = 80;
/// Samples that a stream hears before its first hop, so that hops end where frames do.
const LEAD: usize = 80;

/// Measures.
pub fn run<D: Device>(device: &D) -> Result<(), Failed> {
    head();
    let weights = seeded::weights(content_tensors(&ContentConfig::BASE), 3)?;
    for sizes in HOPS {
        for precision in [Precision::Full, Precision::Half] {
            encoder(device, &weights, sizes, precision)?;
        }
        encoder_on_a_cpu(&weights, sizes)?;
    }
    println!();
    Ok(())
}

fn encoder<D: Device>(
    device: &D,
    weights: &Weights,
    (hops, ahead): (usize, usize),
    precision: Precision,
) -> Result<(), Failed> {
    let hearing = Hearing {
        output: Output::V2,
        samples: hops * HOP,
        ahead,
        past: PAST,
    };
    let sizes = (hearing, precision);
    let mut stream = DeviceEncoder::new(device, &ContentConfig::BASE, sizes, &weights.root())?;
    let wave = noise(hops * HOP, 1);
    let mut content = vec![0.0; (hops + ahead) * stream.outs()];
    stream.lead(device, &wave[..LEAD])?;
    let network = format!("content, {ahead} ahead");
    let step = || stream.step(device, &wave, &mut content).map(|_| ());
    on_a_card(20 * hops, (&network, precision), step)
}

fn encoder_on_a_cpu(weights: &Weights, (hops, ahead): (usize, usize)) -> Result<(), Failed> {
    let (config, root) = (ContentConfig::BASE, weights.root());
    let reach = Reach {
        most: hops + ahead,
        past: PAST,
    };
    let mut front = Front::new(&config, hops * HOP, &root)?;
    let mut body = Body::new(&config, reach, &root)?;
    let wave = noise(hops * HOP, 1);
    let mut frames = vec![0.0; (Front::max_output(wave.len()) + ahead) * config.hidden];
    let seen = (hops + ahead) * config.hidden;
    on_a_cpu(20 * hops, &format!("content, {ahead} ahead"), || {
        front.step(&wave, Loudness::Running, &mut frames);
        body.step(&frames[..seen], hops);
    });
    Ok(())
}
