//! What was recorded does what it did, with what is there when it is replayed.

use autovoice_kernels::gpu::{
    Activation, Array, Device, GpuError, Input, Matrix, Output, Precision, activate, matmul,
};

use crate::support::{Target, array, close, noise};

autovoice_emulator::twins! { replayed memory_stays_as_long_as_it_is_needed what_cannot_be_recorded_is_refused }

const ROWS: usize = 3;
const INS: usize = 20;
const OUTS: usize = 7;

/// A product and what follows on it.
fn replayed<D: Device>(device: &D) {
    let w = noise(OUTS * INS, 1);
    let matrix = Matrix::new(device, (OUTS, INS), &w, None, Precision::Full).unwrap();
    let x_there = array(device, &[0.0; ROWS * INS]);
    let y = Target::new(device, ROWS * OUTS);
    let work = Array::zeros(device, matrix.work_len(device, ROWS)).unwrap();
    let recording = device.record(&mut || {
        let input = Input {
            x: x_there.all(),
            stride: INS,
            rows: ROWS,
            slope: 1.0,
        };
        let output = Output {
            y: y.slice(),
            stride: OUTS,
            activation: Activation::None,
            add: None,
        };
        matmul(device, &matrix, input, output, work.all())?;
        activate(device, Activation::Tanh, y.slice(), y.slice())
    });
    let recording = recording.unwrap();
    // Nothing has run.
    assert!(y.read(device).iter().all(|y| y.is_nan()));
    for seed in [2, 3] {
        let x = noise(ROWS * INS, seed);
        x_there.all().upload(device, &x).unwrap();
        device.replay(&recording).unwrap();
        let want = (0..ROWS * OUTS).map(|n| {
            let (x, w) = (&x[n / OUTS * INS..][..INS], &w[n % OUTS * INS..][..INS]);
            let products = x.iter().zip(w).map(|(x, w)| f64::from(*x) * f64::from(*w));
            products.sum::<f64>().tanh()
        });
        close(&y.read(device), want, 5e-6, "replayed");
    }
}

fn memory_stays_as_long_as_it_is_needed<D: Device>(device: &D) {
    let y = Target::new(device, 3);
    let recording = {
        let x = array(device, &[1.0, -2.0, 3.0]);
        let recorded =
            device.record(&mut || activate(device, Activation::Relu, x.all(), y.slice()));
        recorded.unwrap()
    };
    // What would take its place if it were free.
    let other = array(device, &[7.0; 3]);
    device.replay(&recording).unwrap();
    assert_eq!(y.read(device), [1.0, 0.0, 3.0]);
    drop(other);
}

fn what_cannot_be_recorded_is_refused<D: Device>(device: &D) {
    let x = array(device, &[1.0; 4]);
    let refused: [&dyn Fn() -> Result<(), GpuError>; 5] = [
        &|| Array::new(device, &[0.0f32]).map(|_| ()),
        &|| x.all().upload(device, &[0.0]),
        &|| x.all().download(device, &mut [0.0]),
        &|| device.synchronize(),
        &|| device.record(&mut || Ok(())).map(|_| ()),
    ];
    for refused in refused {
        let recorded = device.record(&mut || refused()).map(|_| ());
        assert!(
            matches!(recorded, Err(GpuError::Recording { .. })),
            "{recorded:?}"
        );
        // And the device is of use again.
        x.all().upload(device, &[2.0]).unwrap();
        let mut value = [0.0];
        x.all().download(device, &mut value).unwrap();
        assert_eq!(value, [2.0]);
    }
}
