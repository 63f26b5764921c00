//! What lanes, blocks and atomic operations do together, as NVRTC writes it, in every order of
//! threads.

#[allow(dead_code, reason = "shared by tests that need parts of it")]
mod support;

use autovoice_ptx::{Argument, Cause, Counts, Grid, LaunchError, Memory, Module, Order};
use support::faults::ORDERS;
use support::pointers;

fn warps(
    kernel: &str,
    grid: &Grid,
    memory: &mut Memory,
    arguments: &[Argument],
) -> Result<Counts, LaunchError> {
    let module =
        Module::parse(include_str!("ptx/warps.ptx")).expect("what NVRTC wrote can be read");
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
