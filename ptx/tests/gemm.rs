//! A product of matrices in tiles, as NVRTC writes it, held against the plain one.

#[allow(dead_code, reason = "shared by tests that need parts of it")]
mod support;

use autovoice_ptx::{Argument, Cause, Counts, Grid, LaunchError, Memory, Module, Order};
use support::faults::ORDERS;
use support::{Random, pointers};

fn noise(seed: u64, count: usize) -> Vec<f32> {
    let mut random = Random(seed);
    (0..count)
        .map(|_| (random.next() >> 40) as f32 / (1 << 24) as f32 - 0.5)
        .collect()
}

/// A product of `[m, k]` and `[k, n]`.
fn gemm(
    kernel: &str,
    [m, n, k]: [usize; 3],
    order: Order,
) -> Result<(Vec<f32>, Vec<f32>, Counts), LaunchError> {
    let module = Module::parse(include_str!("ptx/gemm.ptx")).expect("what NVRTC wrote can be read");
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
    Ok((
        memory.read(c, m * n).expect("the kernel wrote everything"),
        expected,
        counts,
    ))
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
    let module = Module::parse(include_str!("ptx/gemm.ptx")).expect("what NVRTC wrote can be read");
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
