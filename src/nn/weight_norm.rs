//! Weights that a checkpoint keeps as direction and length (Salimans & Kingma, "Weight
//! normalization", 2016). Any thread; allocates.

use super::{Scope, WeightsError};

/// `weight_g * weight_v / |weight_v|`, the length taken over all but axis `axis` of `shape`; or
/// `weight` as it is where a checkpoint has it folded already.
///
/// # Errors
/// If the weights do not fit.
pub fn folded(weights: &Scope, shape: &[usize], axis: usize) -> Result<Vec<f32>, WeightsError> {
    if weights.has("weight") {
        return Ok(weights.get("weight", shape)?.to_vec());
    }
    let mut lengths = vec![1; shape.len()];
    lengths[axis] = shape[axis];
    let length = weights.get("weight_g", &lengths)?;
    let direction = weights.get("weight_v", shape)?;
    // Values next to each other of one index, and the number of indices.
    let inner: usize = shape[axis + 1..].iter().product();
    let index = |at: usize| at / inner % shape[axis];
    let mut squares = vec![0f64; shape[axis]];
    for (at, x) in direction.iter().enumerate() {
        squares[index(at)] += f64::from(*x).powi(2);
    }
    let scale: Vec<f64> = length
        .iter()
        .zip(&squares)
        .map(|(length, square)| match *square {
            0.0 => 0.0,
            square => f64::from(*length) / square.sqrt(),
        })
        .collect();
    let values = direction.iter().enumerate();
    Ok(values
        .map(|(at, x)| (f64::from(*x) * scale[index(at)]) as f32)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::super::Weights;
    use super::*;

    #[test]
    fn lengths_are_taken_over_the_other_axes() {
        let v = vec![3.0, 4.0, 0.0, 0.0, 0.0, 0.0, 0.0, 12.0];
        for (axis, g, want) in [
            (0, vec![10.0, 6.0], [6.0, 8.0, 0.0, 0.0, 0.0, 0.0, 0.0, 6.0]),
            (
                1,
                vec![5.0, 24.0],
                [3.0, 4.0, 0.0, 0.0, 0.0, 0.0, 0.0, 24.0],
            ),
        ] {
            let mut lengths = vec![1, 1, 1];
            lengths[axis] = 2;
            let tensors = [
                ("weight_g".to_owned(), lengths, g),
                ("weight_v".to_owned(), vec![2, 2, 2], v.clone()),
            ];
            let weights = Weights::new(tensors).unwrap();
            assert_eq!(folded(&weights.root(), &[2, 2, 2], axis).unwrap(), want);
        }
        let plain = Weights::new([("weight".to_owned(), vec![2], vec![1.0, 2.0])]).unwrap();
        assert_eq!(folded(&plain.root(), &[2], 0).unwrap(), [1.0, 2.0]);
        assert!(folded(&plain.root(), &[3], 0).is_err());
    }
}
