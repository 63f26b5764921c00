//! What is refused: text that is no PTX or not supported, and launches that do not fit.

use autovoice_ptx::{Address, Argument, Grid, LaunchError, Memory, Module};

const HEAD: &str = ".version 8.2\n.target sm_75\n.address_size 64\n";

#[test]
fn what_cannot_be_run_is_refused_with_its_line() {
    let registers =
        ".reg .b32 %r<4>; .reg .b64 %d<4>; .reg .f32 %f<4>; .reg .b16 %h<4>; .reg .pred %p<4>;";
    let table = [
        ("frobnicate.u32 %r1, %r2;", "`frobnicate.u32` is not known"),
        (
            "add.u32.weird %r1, %r2, %r3;",
            "`add.u32.weird` is not known",
        ),
        ("add.cc.u32 %r1, %r2, %r3;", "`.cc`"),
        ("add.rn.u32 %r1, %r2, %r3;", "`.rn`"),
        ("fma.rm.f64 %d1, %d2, %d3, %d0;", "rounded to nearest alone"),
        ("add.u32 %r1, %r2;", "expected 3 operands, found 2"),
        ("add.u32 %r1, %r2, %d3;", "`%d3` has 64 bits"),
        ("add.u32 %d1, %r2, %r3;", "`%d1` has 64 bits"),
        ("add.u32 %r1, %r2, %r9;", "`%r9` is not known"),
        ("add.u32 %tid.x, %r2, %r3;", "cannot be written"),
        ("add.f32 %f1, %f2, 1;", "a constant of 32 bits"),
        ("mov.u32 %r1, %nosuch;", "`%nosuch` is not known"),
        ("bra $nowhere;", "no label `$nowhere`"),
        ("call nothing;", "no function `nothing`"),
        (
            "sust.p.1d.b32.trap [%d1], %r1;",
            "`sust.p.1d.b32.trap` is not known",
        ),
        (
            "wmma.load.a.sync.aligned.row.m16n16k16.f16 {%r1}, [%d1];",
            "not known",
        ),
        (
            "mma.sync.aligned.m16n8k8.row.col.f16.f16.f16.f16 {%r1}, {%r1}, {%r1}, {%r1};",
            "sums of f32",
        ),
        (
            "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%r1}, {%r1}, {%r1}, {%r1};",
            "`.m16n8k32`",
        ),
        (
            "ld.global.v4.f32 {%f0, %f1}, [%d1];",
            "expected 4 parts, found 2",
        ),
        ("ld.global.f32 %f0, %d1;", "expected an address"),
        ("ld.global.f32 %f0, [%r1];", "no address"),
        ("ld.surface.f32 %f0, [%d1];", "`.surface`"),
        ("st.const.f32 [%d1], %f0;", "cannot be written"),
        ("st.global.f32 [p], %f0;", "not in the state space"),
        ("shfl.down.b32 %r1, %r2, 1, 31;", "without .sync"),
        ("lop3.b32 %r1, %r1, %r2, %r3, 256;", "a table from 0 to 255"),
        (
            "cp.async.cg.shared.global [%r1], [%d1], 4;",
            "with `.cg` 16",
        ),
        ("bar.sync;", "the number of a barrier"),
        ("membar;", "needs a scope"),
        ("setp.lt.u32 %p1, %r1;", "expected 3 operands"),
        ("setp.ltu.s32 %p1, %r1, %r2;", "needs a comparison"),
        (".global .u32 g;", "outside of functions"),
        (".reg .b32 %r<3>;", "there twice"),
        (".reg .b32 %x<2000000>;", "more than"),
        ("$here: $here: ret;", "there twice"),
    ];
    for (code, expected) in table {
        let text = format!("{HEAD}.entry k(.param .u64 p) {{\n{registers}\n\t{code}\n}}");
        let error = Module::parse(&text).expect_err(code);
        assert_eq!(error.line, 6, "{code}: {error}");
        assert_eq!(error.text, code, "{error}");
        assert!(error.to_string().contains(expected), "{code}: {error}");
    }
}

#[test]
fn what_is_wrong_outside_of_kernels_is_refused() {
    let table = [
        (
            ".func f() { call f; }\n.entry k() { call f; }",
            "calls itself",
        ),
        (".func f();\n.entry k() { call f; }", "no function `f`"),
        (
            ".func f(.param .u32 a) { ret; }\n.entry k() { call f; }",
            "has 1 parameters, found 0",
        ),
        (".global .u32 g;\n.global .u32 g;", "there twice"),
        (".extern .global .u32 g;", "another module"),
        (".global .u64 g = h;", "`h` is not known"),
        (
            ".entry k(.param .align 8 .b8 p[5000]) { ret; }",
            "4096 bytes",
        ),
        (".entry k() { .local .b8 m[1000000]; ret; }", "no room"),
        (".entry k() { .reg .b32 %r; mov.u32 %r, 1 }", "`;`"),
    ];
    for (text, expected) in table {
        let error = Module::parse(&format!("{HEAD}{text}")).expect_err(text);
        assert!(error.to_string().contains(expected), "{text}: {error}");
    }
}

#[test]
fn labels_and_registers_of_inner_braces_are_their_own() {
    let inner = "{ .reg .b32 %r; mov.u32 %r, 0; $L: add.u32 %r, %r, 1; add.u32 %sum, %sum, 1; \
                 setp.lt.u32 %p, %r, 3; @%p bra $L; }";
    let text = format!(
        "{HEAD}.entry k(.param .u64 p) {{ .reg .b32 %r, %sum; .reg .pred %p; .reg .b64 %d;\n\
         ld.param.u64 %d, [p]; mov.u32 %r, 100; mov.u32 %sum, 0; {inner} {inner}\n\
         add.u32 %r, %r, %sum; st.global.u32 [%d], %r; bra.uni $L; $L: ret; }}"
    );
    let module = Module::parse(&text).unwrap();
    let mut memory = Memory::new();
    let out = memory.allocate(4);
    let grid = Grid::new([1, 1, 1], [1, 1, 1]);
    module
        .launch(&mut memory, "k", &grid, &[Argument::Address(out)])
        .unwrap();
    assert_eq!(memory.read::<u32>(out, 1).unwrap(), [106]);
}

#[test]
fn arguments_are_held_against_parameters() {
    let text = format!(
        "{HEAD}.entry k(.param .u64 p, .param .u32 n, .param .f32 x, .param .align 4 .b8 s[12]) {{ ret; }}"
    );
    let module = Module::parse(&text).unwrap();
    let kernel = module.kernels().next().unwrap();
    assert_eq!(kernel.name, "k");
    let sizes: Vec<u32> = kernel
        .parameters
        .iter()
        .map(|parameter| parameter.bytes)
        .collect();
    assert_eq!(sizes, [8, 4, 4, 12]);
    let right = [
        Argument::Address(Address(0)),
        Argument::I32(-1),
        Argument::F32(1.0),
        Argument::Bytes(vec![0; 12]),
    ];
    let mut memory = Memory::new();
    let grid = Grid::new([1, 1, 1], [1, 1, 1]);
    module.launch(&mut memory, "k", &grid, &right).unwrap();
    let mut refused = |place: usize, argument: Argument| {
        let mut arguments = right.clone();
        arguments[place] = argument;
        let error = module
            .launch(&mut memory, "k", &grid, &arguments)
            .unwrap_err();
        assert!(matches!(error, LaunchError::Arguments { .. }), "{error}");
    };
    refused(0, Argument::U32(1));
    refused(1, Argument::F32(1.0));
    refused(1, Argument::U64(1));
    refused(2, Argument::I32(1));
    refused(2, Argument::F64(1.0));
    refused(3, Argument::Bytes(vec![0; 11]));
    refused(3, Argument::F32(1.0));
    let error = module
        .launch(&mut memory, "k", &grid, &right[..3])
        .unwrap_err();
    assert!(
        error.to_string().contains("expected 4 arguments, found 3"),
        "{error}"
    );
    let error = module.launch(&mut memory, "l", &grid, &right).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("no kernel `l` in the module, which has k"),
        "{error}"
    );
}

#[test]
fn grids_are_held_against_devices_and_kernels() {
    let text = format!(
        "{HEAD}.extern .shared .align 16 .b8 held[];\n\
         .entry free() {{ .reg .b32 %r; mov.u32 %r, held; ret; }}\n\
         .entry bound() .maxntid 128, 1, 1 {{ ret; }}\n\
         .entry exact() .reqntid 32, 2, 1 {{ ret; }}\n\
         .entry large() {{ .shared .b8 s[50000]; ret; }}"
    );
    let module = Module::parse(&text).unwrap();
    let mut memory = Memory::new();
    let mut launch = |name: &str, blocks, threads, shared_bytes| {
        let mut grid = Grid::new(blocks, threads);
        grid.shared_bytes = shared_bytes;
        match module.launch(&mut memory, name, &grid, &[]) {
            Ok(_) => true,
            Err(LaunchError::Grid { .. }) => false,
            Err(error) => panic!("{error}"),
        }
    };
    let one = [1, 1, 1];
    let table = [
        ("free", one, [1024, 1, 1], 0, true),
        ("free", one, [1025, 1, 1], 0, false),
        ("free", one, [0, 1, 1], 0, false),
        ("free", one, [1, 1, 65], 0, false),
        ("free", one, [u32::MAX, u32::MAX, 2], 0, false),
        ("free", [0, 1, 1], one, 0, false),
        ("free", [1, 65536, 1], one, 0, false),
        ("free", [2, 3, 4], one, 0, true),
        ("free", one, one, 227 * 1024, true),
        ("free", one, one, 227 * 1024 + 1, false),
        ("bound", one, [128, 1, 1], 0, true),
        ("bound", one, [129, 1, 1], 0, false),
        ("exact", one, [32, 2, 1], 0, true),
        ("exact", one, [64, 1, 1], 0, false),
        ("large", one, one, 0, false),
    ];
    for (name, blocks, threads, shared_bytes, expected) in table {
        let found = launch(name, blocks, threads, shared_bytes);
        assert_eq!(
            found, expected,
            "{name} {blocks:?} {threads:?} {shared_bytes}"
        );
    }
}
