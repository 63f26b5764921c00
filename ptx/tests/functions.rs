//! Calls, variables, structures and functions of CUDA's library, as NVRTC writes them.

#[allow(dead_code, reason = "shared by tests that need parts of it")]
mod support;

use autovoice_ptx::{Argument, Cause, Grid, Memory, Module};
use support::pointers;

fn functions() -> Module {
    Module::parse(include_str!("ptx/functions.ptx")).expect("what NVRTC wrote can be read")
}

#[test]
fn functions_are_called_with_pointers_to_local_memory() {
    let helper = |x: f32| x * f32::from(x as i8 & 3) + 1.0;
    let x: Vec<f32> = (0..40).map(|i| i as f32 * 0.7).collect();
    let mut memory = Memory::new();
    let values = memory.allocate_filled(&x);
    let (out, counts) = (memory.allocate(4 * 40), memory.allocate(4 * 40));
    let grid = Grid::new([1, 1, 1], [40, 1, 1]);
    let arguments = pointers(&[values, out, counts]);
    functions()
        .launch(&mut memory, "called", &grid, &arguments)
        .unwrap();
    let expected: Vec<f32> = x.iter().map(|&x| helper(x) + helper(helper(x))).collect();
    assert_eq!(memory.read::<f32>(out, 40).unwrap(), expected);
    assert_eq!(memory.read::<i32>(counts, 40).unwrap(), [2; 40]);
}

#[test]
fn variables_of_a_module_live_in_the_memory() {
    let module = functions();
    let taps = [0.5, -1.0, 2.0, 0.25, 4.0];
    let mut memory = Memory::new();
    let out = memory.allocate(4 * 3);
    let grid = Grid::new([1, 1, 1], [3, 1, 1]);
    let calls = module.variable(&mut memory, "calls").unwrap();
    let scale = module.variable(&mut memory, "scale").unwrap();
    for (launch, gain) in [(1, 3.0), (2, 3.0), (3, 5.0)] {
        memory.write(scale, &[gain as f32]).unwrap();
        module
            .launch(&mut memory, "variables", &grid, &pointers(&[out]))
            .unwrap();
        let expected = [7, 1, 4].map(|i: usize| taps[i % 5] * i as f32 * gain as f32);
        assert_eq!(memory.read::<f32>(out, 3).unwrap(), expected);
        assert_eq!(memory.read::<i32>(calls, 1).unwrap(), [3 * launch]);
    }
    // Another memory has variables of its own, and another module too.
    let mut other = Memory::new();
    let calls = module.variable(&mut other, "calls").unwrap();
    assert_eq!(other.read::<i32>(calls, 1).unwrap(), [0]);
    let calls = functions().variable(&mut memory, "calls").unwrap();
    assert_eq!(memory.read::<i32>(calls, 1).unwrap(), [0]);
    assert_eq!(module.variable(&mut memory, "nothing"), None);
}

#[test]
fn a_structure_is_passed_as_bytes() {
    let mut bytes = Vec::new();
    bytes.extend(7_i32.to_le_bytes());
    bytes.extend(1.5_f32.to_le_bytes());
    bytes.extend(0.25_f64.to_le_bytes());
    bytes.extend([10_i16, -20, 30].map(i16::to_le_bytes).concat());
    bytes.extend([0, 0]);
    let mut memory = Memory::new();
    let out = memory.allocate(4 * 5);
    let grid = Grid::new([1, 1, 1], [5, 1, 1]);
    let arguments = [Argument::Bytes(bytes), Argument::Address(out)];
    functions()
        .launch(&mut memory, "options", &grid, &arguments)
        .unwrap();
    let shape = [10.0, -20.0, 30.0];
    let expected: Vec<f32> = (0..5)
        .map(|i| 1.5 * i as f32 + 0.25 + shape[i % 3] + 7.0)
        .collect();
    assert_eq!(memory.read::<f32>(out, 5).unwrap(), expected);
}

#[test]
fn shared_memory_has_the_size_of_the_launch() {
    let x: Vec<i32> = (0..12).collect();
    let mut memory = Memory::new();
    let values = memory.allocate_filled(&x);
    let out = memory.allocate(4 * 12);
    let mut grid = Grid::new([1, 1, 1], [12, 1, 1]);
    grid.shared_bytes = 48;
    let mut arguments = pointers(&[values, out]);
    arguments.push(Argument::I32(12));
    functions()
        .launch(&mut memory, "choices", &grid, &arguments)
        .unwrap();
    let expected = [
        1 / 3 - 7,
        6,
        -3,
        4 << 7,
        2,
        1000 / 6,
        29,
        64,
        81,
        100,
        121,
        5,
    ];
    assert_eq!(memory.read::<i32>(out, 12).unwrap(), expected);
    grid.shared_bytes = 44;
    let error = functions()
        .launch(&mut memory, "choices", &grid, &arguments)
        .unwrap_err();
    assert!(
        matches!(
            error.cause(),
            Some(Cause::OutOfBounds {
                space: "shared",
                ..
            })
        ),
        "{error}"
    );
}

#[test]
fn functions_of_the_library_are_near_the_true_ones() {
    let x: Vec<f32> = (0..400).map(|i| (i as f32 - 199.5) * 0.021).collect();
    let n = x.len();
    type Truth = fn(f64) -> f64;
    // The function, its relative error, and that with -use_fast_math; both with 1e-6 absolute.
    let table: [(&str, Truth, f64, f64); 20] = [
        ("exp", f64::exp, 3e-7, 2e-6),
        ("log", |v| v.abs().ln(), 3e-7, 2e-6),
        ("sin", f64::sin, 3e-7, 2e-6),
        ("cos", f64::cos, 3e-7, 2e-6),
        ("tanh", f64::tanh, 3e-7, 2e-5),
        ("sqrt", |v| v.abs().sqrt(), 1e-7, 3e-7),
        ("rsqrt", |v| v.abs().sqrt().recip(), 3e-7, 3e-7),
        ("1 / v", f64::recip, 1e-7, 3e-7),
        ("v / 3", |v| v / 3.0, 1e-7, 3e-7),
        ("pow", |v| v.abs().powf(f64::from(1.3_f32)), 1e-6, 4e-6),
        ("floor", f64::floor, 0.0, 0.0),
        ("rint", f64::round_ties_even, 0.0, 0.0),
        ("erf", erf, 1e-6, 2e-6),
        ("expm1", f64::exp_m1, 3e-7, 2e-6),
        ("log1p", |v| v.abs().ln_1p(), 3e-7, 2e-6),
        ("fmod", |v| v % f64::from(0.7_f32), 1e-7, 1e-5),
        ("atan2", |v| v.atan2(0.5), 5e-7, 3e-6),
        ("exp2", f64::exp2, 3e-7, 1e-6),
        ("min", |v| v.min(0.25), 0.0, 0.0),
        ("exp of double", f64::exp, 1e-7, 1e-7),
    ];
    for (is_fast, text) in [
        (false, include_str!("ptx/maths.ptx")),
        (true, include_str!("ptx/maths_fast.ptx")),
    ] {
        let mut memory = Memory::new();
        let values = memory.allocate_filled(&x);
        let out = memory.allocate(4 * n * table.len());
        let mut arguments = pointers(&[values, out]);
        arguments.push(Argument::I32(n as i32));
        let module = Module::parse(text).unwrap();
        let grid = Grid::new([4, 1, 1], [128, 1, 1]);
        module
            .launch(&mut memory, "maths", &grid, &arguments)
            .unwrap();
        let found = memory.read::<f32>(out, n * table.len()).unwrap();
        for (row, (name, truth, exact, fast)) in table.into_iter().enumerate() {
            for (i, &x) in x.iter().enumerate() {
                let (found, expected) = (f64::from(found[row * n + i]), truth(x.into()));
                let share = if is_fast { fast } else { exact };
                let allowed = share * expected.abs() + if share > 0.0 { 1e-6 } else { 0.0 };
                let error = (found - expected).abs();
                assert!(
                    error <= allowed,
                    "{name} of {x}: {found}, not {expected}; {is_fast}"
                );
            }
        }
    }
}

/// The error function, by its series; of use below 6.
fn erf(x: f64) -> f64 {
    let mut term = x;
    let mut sum = x;
    for n in 1..200 {
        term *= -x * x / f64::from(n);
        sum += term / f64::from(2 * n + 1);
    }
    2.0 / std::f64::consts::PI.sqrt() * sum
}
