//! Kernels as NVRTC writes them, end to end.

use autovoice_ptx::{Argument, Cause, Counts, Grid, LaunchError, Memory, Module, Order};

const ORDERS: [Order; 3] = [Order::Forward, Order::Backward, Order::Shuffled(7)];

fn module() -> Module {
    Module::parse(include_str!("ptx/basics.ptx")).expect("what NVRTC wrote can be read")
}

#[test]
fn a_scaled_sum_is_that_of_the_cpu() {
    let n = 1000;
    let x: Vec<f32> = (0..n).map(|i| (i as f32 * 0.37).sin()).collect();
    let y: Vec<f32> = (0..n).map(|i| (i as f32 * 0.11).cos()).collect();
    let expected: Vec<f32> = x
        .iter()
        .zip(&y)
        .map(|(&x, &y)| 2.5_f32.mul_add(x, y))
        .collect();
    for order in ORDERS {
        let mut memory = Memory::new();
        let (x, y) = (memory.allocate_filled(&x), memory.allocate_filled(&y));
        let mut grid = Grid::new([8, 1, 1], [128, 1, 1]);
        grid.order = order;
        let arguments = [
            Argument::I32(n),
            Argument::F32(2.5),
            Argument::Address(x),
            Argument::Address(y),
        ];
        let counts = module()
            .launch(&mut memory, "saxpy", &grid, &arguments)
            .unwrap();
        assert_eq!(memory.read::<f32>(y, n as usize).unwrap(), expected);
        assert_eq!(counts.float_operations, 2 * n as u64);
        assert_eq!(counts.global_read_bytes, 8 * n as u64);
        assert_eq!(counts.global_written_bytes, 4 * n as u64);
    }
}

fn sum(name: &str, threads: u32, order: Order) -> Result<(Vec<f32>, Counts), LaunchError> {
    let x: Vec<f32> = (0..777).map(|i| i as f32).collect();
    let mut memory = Memory::new();
    let x = memory.allocate_filled(&x);
    let sums = memory.allocate(4 * 3);
    let mut grid = Grid::new([3, 1, 1], [threads, 1, 1]);
    grid.order = order;
    let arguments = [
        Argument::Address(x),
        Argument::Address(sums),
        Argument::I32(777),
    ];
    let counts = module().launch(&mut memory, name, &grid, &arguments)?;
    Ok((
        memory.read(sums, 3).expect("the kernel wrote everything"),
        counts,
    ))
}

#[test]
fn a_sum_over_a_block_is_exact() {
    for order in ORDERS {
        for threads in [1, 2, 32, 64, 256] {
            let (sums, counts) = sum("sums", threads, order).unwrap();
            assert_eq!(sums.iter().sum::<f32>(), 776.0 * 777.0 / 2.0, "{threads}");
            assert_eq!(counts.barriers, 3 * u64::from(threads.ilog2() + 1));
        }
    }
}

#[test]
fn a_sum_without_its_barrier_is_a_race_in_any_order() {
    for order in ORDERS {
        let error = sum("sums_racing", 64, order).unwrap_err();
        assert!(matches!(error.cause(), Some(Cause::Race { .. })), "{error}");
        assert!(error.to_string().contains("partial"), "{error}");
    }
}
