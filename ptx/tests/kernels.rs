//! Whole kernels as NVRTC writes them, held against the plain computation, in every order of
//! threads.

#[allow(dead_code, reason = "shared by tests that need parts of it")]
mod support;

use autovoice_ptx::{Address, Argument, Cause, Counts, Grid, LaunchError, Memory, Module, Order};
use support::Random;

const ORDERS: [Order; 3] = [Order::Forward, Order::Backward, Order::Shuffled(7)];

fn noise(seed: u64, count: usize) -> Vec<f32> {
    let mut random = Random(seed);
    (0..count)
        .map(|_| (random.next() >> 40) as f32 / (1 << 24) as f32 - 0.5)
        .collect()
}

fn pointers(addresses: &[Address]) -> Vec<Argument> {
    addresses.iter().copied().map(Argument::Address).collect()
}

/// A product of `[m, k]` and `[k, n]`.
fn gemm(
    kernel: &str,
    [m, n, k]: [usize; 3],
    order: Order,
) -> Result<(Vec<f32>, Vec<f32>, Counts), LaunchError> {
    let module = Module::parse(include_str!("ptx/gemm.ptx")).unwrap();
    let (a, b) = (noise(1, m * k), noise(2, k * n));
    let mut expected = vec![0.0_f32; m * n];
    for row in 0..m {
        for column in 0..n {
            // As the kernel does: in order, fused, over whole tiles.
            let sum = (0..k).fold(0.0_f32, |sum, i| {
                a[row * k + i].mul_add(b[i * n + column], sum)
            });
            expected[row * n + column] = sum;
        }
    }
    let mut memory = Memory::new();
    let (a, b) = (memory.allocate_filled(&a), memory.allocate_filled(&b));
    let c = memory.allocate(4 * m * n);
    let blocks = [n.div_ceil(16) as u32, m.div_ceil(16) as u32, 1];
    let mut grid = Grid::new(blocks, [16, 16, 1]);
    grid.order = order;
    let mut arguments = pointers(&[a, b, c]);
    arguments.extend([m, n, k].map(|size| Argument::I32(size as i32)));
    let counts = module.launch(&mut memory, kernel, &grid, &arguments)?;
    Ok((memory.read(c, m * n).unwrap(), expected, counts))
}

#[test]
fn a_product_in_tiles_is_the_plain_one() {
    for order in ORDERS {
        for size in [[16, 16, 16], [33, 17, 50], [1, 1, 1], [5, 40, 3]] {
            let (found, expected, counts) = gemm("gemm", size, order).unwrap();
            assert_eq!(found, expected, "{size:?} {order:?}");
            let [m, n, k] = size.map(|size| size.next_multiple_of(16) as u64);
            assert_eq!(counts.float_operations, 2 * m * n * k);
            assert_eq!(counts.barriers, m * n * k / 16 / 16 / 16 * 2);
        }
    }
}

#[test]
fn a_product_without_a_barrier_is_a_race() {
    for order in ORDERS {
        // Of one tile nothing is written anew.
        assert!(gemm("gemm_racing", [16, 16, 16], order).is_ok());
        let error = gemm("gemm_racing", [16, 16, 40], order).unwrap_err();
        assert!(matches!(error.cause(), Some(Cause::Race { .. })), "{error}");
    }
}

#[test]
fn vectors_are_read_four_by_four() {
    let module = Module::parse(include_str!("ptx/gemm.ptx")).unwrap();
    let (a, b) = (noise(1, 8 * 20), noise(2, 20));
    let mut memory = Memory::new();
    let (x, y) = (memory.allocate_filled(&a), memory.allocate_filled(&b));
    let c = memory.allocate(4 * 8);
    let grid = Grid::new([1, 1, 1], [8, 1, 1]);
    let mut arguments = pointers(&[x, y, c]);
    arguments.push(Argument::I32(20));
    module
        .launch(&mut memory, "rows", &grid, &arguments)
        .unwrap();
    for (row, found) in memory.read::<f32>(c, 8).unwrap().into_iter().enumerate() {
        let expected: f32 = (0..20).map(|i| a[row * 20 + i] * b[i]).sum();
        assert!((found - expected).abs() < 1e-5, "{found} {expected}");
    }
    // Four bytes on, a vector is misaligned.
    arguments[1] = Argument::Address(y.plus(4));
    let error = module
        .launch(&mut memory, "rows", &grid, &arguments)
        .unwrap_err();
    assert!(
        matches!(error.cause(), Some(Cause::Misaligned { bytes: 16, .. })),
        "{error}"
    );
}

fn warps(
    kernel: &str,
    grid: &Grid,
    memory: &mut Memory,
    arguments: &[Argument],
) -> Result<Counts, LaunchError> {
    let module = Module::parse(include_str!("ptx/warps.ptx")).unwrap();
    module.launch(memory, kernel, grid, arguments)
}

fn ordered(blocks: u32, threads: u32, order: Order) -> Grid {
    let mut grid = Grid::new([blocks, 1, 1], [threads, 1, 1]);
    grid.order = order;
    grid
}

#[test]
fn lanes_exchange_and_vote() {
    let x: Vec<i32> = (0..32).map(|lane| lane * lane % 37).collect();
    for order in ORDERS {
        let mut memory = Memory::new();
        let values = memory.allocate_filled(&x);
        let out = memory.allocate(4 * 8 * 32);
        let arguments = pointers(&[values, out]);
        warps("exchange", &ordered(1, 32, order), &mut memory, &arguments).unwrap();
        let found = memory.read::<i32>(out, 256).unwrap();
        let ballot = |lanes: &dyn Fn(usize) -> bool| {
            (0..32).fold(0, |sum, lane| sum | u32::from(lanes(lane)) << lane) as i32
        };
        let any = i32::from(x.contains(&7)) + 2;
        for lane in 0..32 {
            let expected = [
                x[lane * 5 % 32],
                x[if lane < 3 { lane } else { lane - 3 }],
                x[lane ^ 9],
                x[if lane % 8 < 6 { lane + 2 } else { lane }],
                ballot(&|lane| x[lane] > 10),
                any,
                if lane < 8 {
                    x[7 - lane]
                } else {
                    ballot(&|lane| lane >= 8 && lane % 3 == 0)
                },
                x.iter().filter(|&&x| x > 10).count() as i32,
            ];
            let found: Vec<i32> = (0..8).map(|row| found[row * 32 + lane]).collect();
            assert_eq!(found, expected, "lane {lane}");
        }
    }
}

#[test]
fn lanes_sum_by_exchange() {
    let x: Vec<f32> = (0..192).map(|i| i as f32).collect();
    for order in ORDERS {
        let mut memory = Memory::new();
        let values = memory.allocate_filled(&x);
        let sums = memory.allocate(4 * 6);
        let arguments = pointers(&[values, sums]);
        warps("lane_sums", &ordered(2, 96, order), &mut memory, &arguments).unwrap();
        let expected: Vec<f32> = x.chunks(32).map(|chunk| chunk.iter().sum()).collect();
        assert_eq!(memory.read::<f32>(sums, 6).unwrap(), expected);
        // In a warp of 16 lanes the first step takes from lanes that are not there.
        let error = warps("lane_sums", &ordered(1, 16, order), &mut memory, &arguments);
        let error = error.unwrap_err();
        assert!(
            matches!(error.cause(), Some(Cause::AbsentLane { .. })),
            "{error}"
        );
    }
}

#[test]
fn lanes_without_a_barrier_race() {
    let x: Vec<i32> = (0..32).collect();
    for order in ORDERS {
        let mut memory = Memory::new();
        let values = memory.allocate_filled(&x);
        let arguments = pointers(&[values]);
        warps("reverse", &ordered(1, 32, order), &mut memory, &arguments).unwrap();
        let found = memory.read::<i32>(values, 32).unwrap();
        assert!(found.iter().rev().eq(&x), "{found:?}");
        let error = warps(
            "reverse_racing",
            &ordered(1, 32, order),
            &mut memory,
            &arguments,
        );
        let error = error.unwrap_err();
        // Read before it is written, or written after it was read.
        let is_found = matches!(
            error.cause(),
            Some(Cause::Race { .. } | Cause::Unwritten { .. })
        );
        assert!(is_found, "{error}");
    }
}

#[test]
fn atomic_operations_need_no_order() {
    let x: Vec<i32> = (0..500).map(|i| i % 13 - 4).collect();
    for order in ORDERS {
        let mut memory = Memory::new();
        let values = memory.allocate_filled(&x);
        let sum = memory.allocate_filled(&[0_i32]);
        let mut arguments = pointers(&[values, sum]);
        arguments.push(Argument::I32(500));
        warps(
            "atomic_sum",
            &ordered(4, 128, order),
            &mut memory,
            &arguments,
        )
        .unwrap();
        let expected = x.iter().sum::<i32>() + 4000;
        assert_eq!(memory.read::<i32>(sum, 1).unwrap(), [expected]);
    }
}

#[test]
fn the_last_block_may_read_what_fences_order() {
    let x: Vec<f32> = (0..160).map(|i| i as f32).collect();
    for order in ORDERS {
        let mut memory = Memory::new();
        let values = memory.allocate_filled(&x);
        let (partial, sum) = (memory.allocate(4 * 5), memory.allocate(4));
        let arguments = pointers(&[values, partial, sum]);
        warps(
            "last_block",
            &ordered(5, 32, order),
            &mut memory,
            &arguments,
        )
        .unwrap();
        assert_eq!(memory.read::<f32>(sum, 1).unwrap(), [x.iter().sum::<f32>()]);
        let error = warps(
            "last_block_racing",
            &ordered(5, 32, order),
            &mut memory,
            &arguments,
        );
        let error = error.unwrap_err();
        assert!(matches!(error.cause(), Some(Cause::Race { .. })), "{error}");
    }
}

fn functions() -> Module {
    Module::parse(include_str!("ptx/functions.ptx")).unwrap()
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
