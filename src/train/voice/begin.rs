//! Weights to begin from: those of another base, by the names of what each stands for.

use candle_core::{Device, Tensor};

use super::TrainError;
use super::clip::Material;
use super::network::Network;
use super::weights::Weights;
use crate::train::ops::values;

/// Sets the weights that another base and its encoder have.
///
/// # Errors
/// [`TrainError::Base`] if they have others than these, or of other sizes.
pub fn begin_from(
    start: &Weights,
    network: &Network,
    material: &Material,
) -> Result<(), TrainError> {
    for given in [&start.encoder, &start.base] {
        let (found, texts) = given.read()?;
        let names = |kind: &str| -> Result<Vec<String>, TrainError> {
            let text = texts.get(kind).map_or("[]", String::as_str);
            let wrong = |_| TrainError::Base(format!("{given} without names of its {kind}"));
            serde_json::from_str(text).map_err(wrong)
        };
        for (name, shape, theirs) in found.all() {
            let Some(weight) = network.weights().get(&name) else {
                return Err(TrainError::Base(format!(
                    "{name} in {given}, which is not used here"
                )));
            };
            // Rows of their own, by what each stands for.
            let (known, wanted) = match name.split('.').next() {
                Some("speakers") => (names("speakers")?, &material.speakers),
                Some("phones") => (names("phones")?, &material.phones),
                _ => {
                    let Some(mut theirs) = fitted(&shape, theirs, weight.dims()) else {
                        return Err(TrainError::Base(format!(
                            "{name} of {shape:?} instead of {:?} in {given}",
                            weight.dims()
                        )));
                    };
                    Network::import(&name, &mut theirs);
                    weight.set(&Tensor::from_vec(theirs, weight.shape(), &Device::Cpu)?)?;
                    continue;
                }
            };
            let width = theirs.len() / known.len().max(1);
            let mut values = values(weight)?;
            for (ours, name) in values.chunks_exact_mut(width.max(1)).zip(wanted) {
                let row = known.iter().position(|known| known == name);
                if let Some(theirs) = row.and_then(|row| theirs.get(row * width..(row + 1) * width))
                {
                    ours.copy_from_slice(theirs);
                }
            }
            weight.set(&Tensor::from_vec(values, weight.shape(), &Device::Cpu)?)?;
        }
    }
    Ok(())
}

/// Weights of a shape as ones of another: as they are, or with taps of zeros on both sides for an
/// encoder that is to look farther ahead, which begins by hearing what the one before heard.
fn fitted(shape: &[usize], theirs: Vec<f32>, wanted: &[usize]) -> Option<Vec<f32>> {
    if shape == wanted {
        return Some(theirs);
    }
    let ([outs, ins, taps], [ours_outs, ours_ins, more]) = (shape, wanted) else {
        return None;
    };
    let grows = taps < more && (more - taps) % 2 == 0;
    if (outs, ins) != (ours_outs, ours_ins) || !grows {
        return None;
    }
    let mut values = vec![0.0; outs * ins * more];
    let rows = values
        .chunks_exact_mut(*more)
        .zip(theirs.chunks_exact(*taps));
    for (row, theirs) in rows {
        row[(more - taps) / 2..][..*taps].copy_from_slice(theirs);
    }
    Some(values)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::train::processor::Processor;
    use crate::train::voice::base::{BasePlan, RATE, write};
    use crate::train::voice::clip::Source;
    use crate::train::voice::perturb::Perturbation;
    use crate::train::voice::steps::{Recipe, Run};
    use crate::train::voice::tests::small;

    fn material(speakers: &[&str], phones: &[&str]) -> Material {
        let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect();
        Material {
            clips: Vec::new(),
            others: Vec::new(),
            texts: BTreeMap::new(),
            speakers: names(speakers),
            phones: names(phones),
            bandwidth_hz: 8_000.0,
            advice: Vec::new(),
        }
    }

    #[test]
    fn an_encoder_that_is_to_look_farther_begins_by_hearing_what_the_one_before_heard() {
        let near = Network::new(&small(0), 0, 0, 5).unwrap();
        for ahead in [1, 2] {
            let far = Network::new(&small(ahead), 0, 0, 6).unwrap();
            for (name, weight) in near.weights() {
                let ours = &far.weights()[name];
                let grown = fitted(weight.dims(), values(weight).unwrap(), ours.dims()).unwrap();
                ours.set(&Tensor::from_vec(grown, ours.shape(), &Device::Cpu).unwrap())
                    .unwrap();
            }
            let mel = Tensor::rand(-1f32, 1.0, (1, 9, 80), &Device::Cpu).unwrap();
            let [before, after] =
                [&near, &far].map(|network| values(&network.encode(&mel).unwrap()).unwrap());
            let wrong = before.iter().zip(&after).map(|(a, b)| (a - b).abs());
            assert!(wrong.fold(0.0, f32::max) < 1e-5, "{ahead}");
        }
        // One that is to look less far would lose what it heard.
        for (shape, wanted) in [
            ([2, 3, 3], [2, 3, 1]),
            ([2, 3, 3], [2, 3, 4]),
            ([2, 2, 3], [2, 3, 5]),
        ] {
            let count = shape.iter().product();
            assert_eq!(fitted(&shape, vec![1.0; count], &wanted), None);
        }
    }

    #[test]
    fn a_base_begins_from_another_by_the_names_of_its_rows() {
        let home = tempfile::tempdir().unwrap();
        let plan = |name: &str, start| BasePlan {
            source: Source {
                folders: Vec::new(),
                seconds: 1.0,
                speaker: None,
                only: None,
                labels: None,
            },
            output: home.path().join(format!("{name}.safetensors")),
            encoder: home.path().join(format!("{name}-content.safetensors")),
            config: small(1),
            steps: 0,
            at_most: None,
            start,
            seed: 1,
            resume: false,
            processor: Processor::Cpu,
            rate: RATE,
            bend: Perturbation::default(),
            hold_out: false,
            snapshots: false,
        };
        let first = plan("first", None);
        let theirs = material(&["Anna", "Bert"], &["AA", "SIL"]);
        let network = Network::new(&first.config, 2, 2, 5).unwrap();
        let run = Run::new(network, &[""], 0, Recipe::default(), 0).unwrap();
        write(&first, &theirs, &run).unwrap();
        let start = Weights {
            base: first.output.clone().into(),
            encoder: first.encoder.clone().into(),
        };
        let ours = material(&["Cleo", "Bert", "Anna"], &["SIL", "ZH", "AA"]);
        let network = Network::new(&first.config, 3, 3, 6).unwrap();
        let random = Network::new(&first.config, 3, 3, 6).unwrap();
        begin_from(&start, &network, &ours).unwrap();
        let near = |a: &[f32], b: &[f32]| {
            assert_eq!(a.len(), b.len());
            // Files have halves, of spectra about -18.
            assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 5e-3));
        };
        for (name, weight) in run.network.weights() {
            let [before, found, drawn] =
                [weight, &network.weights()[name], &random.weights()[name]]
                    .map(|weight| values(weight).unwrap());
            let rows = match name.split('.').next() {
                // Whose rows they are, and of which nobody knew.
                Some("speakers") => [(1, Some(1)), (2, Some(0)), (0, None)],
                Some("phones") => [(0, Some(1)), (2, Some(0)), (1, None)],
                _ => {
                    near(&found, &before);
                    continue;
                }
            };
            let width = found.len() / 3;
            for (row, theirs) in rows {
                let (wanted, row_of) = theirs.map_or((&drawn, row), |row| (&before, row));
                let wanted = &wanted[row_of * width..][..width];
                near(&found[row * width..][..width], wanted);
            }
        }
        let other = Network::new(&small(0), 3, 3, 6).unwrap();
        let error = begin_from(&start, &other, &ours).unwrap_err();
        assert!(matches!(error, TrainError::Base(_)), "{error}");
        assert!(
            error.to_string().contains("encoder.input.weight of"),
            "{error}"
        );
    }
}
