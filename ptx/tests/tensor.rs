//! Products of matrices in the registers of a warp, against plain ones.

#[allow(dead_code, reason = "shared by tests that need parts of it")]
mod support;

use autovoice_ptx::{Argument, Cause, Grid, LaunchError, Memory, Module, Order};
use support::Random;
use support::faults::ORDERS;

/// Small whole numbers, which every format holds, so that sums are exact.
fn small(random: &mut Random, count: usize) -> Vec<f32> {
    (0..count)
        .map(|_| (random.next() % 17) as f32 - 8.0)
        .collect()
}

/// Half precision of a small whole number.
fn half(value: f32) -> u16 {
    if value == 0.0 {
        return 0;
    }
    let bits = value.to_bits();
    let exponent = (bits >> 23 & 0xff) as u16 - 127 + 15;
    (bits >> 16 & 0x8000) as u16 | exponent << 10 | (bits >> 13 & 0x3ff) as u16
}

fn brain(value: f32) -> u16 {
    (value.to_bits() >> 16) as u16
}

/// `[16, depth]` times the transpose of `[8, depth]`, plus `[16, 8]`.
fn plain(a: &[f32], b: &[f32], c: &[f32], depth: usize) -> Vec<f32> {
    (0..16 * 8)
        .map(|place| {
            let (row, column) = (place / 8, place % 8);
            let products = (0..depth).map(|k| a[row * depth + k] * b[column * depth + k]);
            c[place] + products.sum::<f32>()
        })
        .collect()
}

#[test]
fn fragments_lie_as_ptx_has_them() {
    let module =
        Module::parse(include_str!("ptx/tensor.ptx")).expect("what NVRTC wrote can be read");
    type Format = fn(f32) -> u16;
    let table: [(&str, usize, Option<Format>); 5] = [
        ("half_8", 8, Some(half)),
        ("half_16", 16, Some(half)),
        ("brain_16", 16, Some(brain)),
        ("tensor_8", 8, None),
        ("tensor_4", 4, None),
    ];
    for order in ORDERS {
        for (kernel, depth, format) in table {
            let mut random = Random(depth as u64);
            let (a, b) = (
                small(&mut random, 16 * depth),
                small(&mut random, 8 * depth),
            );
            let c = small(&mut random, 16 * 8);
            let mut memory = Memory::new();
            let mut upload = |values: &[f32]| match format {
                Some(format) => {
                    let values: Vec<u16> = values.iter().map(|&value| format(value)).collect();
                    memory.allocate_filled(&values)
                }
                None => memory.allocate_filled(values),
            };
            let (left, right) = (upload(&a), upload(&b));
            let (sums, out) = (memory.allocate_filled(&c), memory.allocate(4 * 16 * 8));
            let mut grid = Grid::new([1, 1, 1], [32, 1, 1]);
            grid.order = order;
            let arguments = [left, right, sums, out].map(Argument::Address);
            let counts = module
                .launch(&mut memory, kernel, &grid, &arguments)
                .unwrap();
            let found = memory.read::<f32>(out, 16 * 8).unwrap();
            assert_eq!(found, plain(&a, &b, &c, depth), "{kernel}");
            assert_eq!(
                counts.float_operations,
                2 * 16 * 8 * depth as u64,
                "{kernel}"
            );
        }
    }
}

fn staged(kernel: &str, order: Order, threads: u32) -> Result<(), LaunchError> {
    let module =
        Module::parse(include_str!("ptx/tensor.ptx")).expect("what NVRTC wrote can be read");
    let mut random = Random(4);
    // B is row by row here.
    let (a, b) = (small(&mut random, 16 * 16), small(&mut random, 16 * 8));
    let columns: Vec<f32> = (0..8 * 16)
        .map(|place| b[place % 16 * 8 + place / 16])
        .collect();
    let halves = |values: &[f32]| {
        values
            .iter()
            .map(|&value| half(value))
            .collect::<Vec<u16>>()
    };
    let mut memory = Memory::new();
    let left = memory.allocate_filled(&halves(&a));
    let right = memory.allocate_filled(&halves(&b));
    let out = memory.allocate(4 * 16 * 8);
    let mut grid = Grid::new([1, 1, 1], [threads, 1, 1]);
    grid.order = order;
    let arguments = [left, right, out].map(Argument::Address);
    module.launch(&mut memory, kernel, &grid, &arguments)?;
    let found = memory
        .read::<f32>(out, 16 * 8)
        .expect("the kernel wrote everything");
    assert_eq!(found, plain(&a, &columns, &[0.0; 16 * 8], 16));
    Ok(())
}

#[test]
fn matrices_go_through_shared_memory_into_fragments() {
    for order in ORDERS {
        staged("staged", order, 32).unwrap();
    }
}

#[test]
fn what_is_under_way_cannot_be_read() {
    for order in ORDERS {
        let error = staged("staged_early", order, 32).unwrap_err();
        assert!(
            matches!(error.cause(), Some(Cause::UnderWay { .. })),
            "{error}"
        );
    }
}

#[test]
fn a_product_takes_a_whole_warp() {
    let error = staged("staged", Order::Forward, 24).unwrap_err();
    assert!(matches!(error.cause(), Some(Cause::Warp { .. })), "{error}");
}
