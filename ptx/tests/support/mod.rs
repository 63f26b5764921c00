//! Single instructions over many values: a kernel around them, one thread a row.

pub mod faults;

use autovoice_ptx::{Address, Argument, Grid, LaunchError, Memory, Module};

/// The registers that code finds and leaves:
/// `%ad %bd %cd` of 64 bits hold the row's values, `%a %b %c` their lower 32 bits, `%ah %bh %ch`
/// their lower 16, `%ap %bp %cp` whether they are not zero. What is in `%d`, `%r`, `%h` or `%p` at
/// the end, as `result` says, is the result.
pub fn kernel(code: &str, result: &str) -> String {
    let result = match result {
        "%d" => "",
        "%r" => "cvt.u64.u32 %d, %r;",
        "%h" => "cvt.u64.u16 %d, %h;",
        "%p" => "selp.b64 %d, 1, 0, %p;",
        other => panic!("no result register {other}"),
    };
    format!(
        ".version 8.2\n.target sm_80\n.address_size 64\n\
         .entry k(.param .u64 rows, .param .u64 results, .param .u32 count) {{\n\
         .reg .b64 %x<6>; .reg .b32 %i<4>; .reg .pred %done;\n\
         .reg .b64 %d, %ad, %bd, %cd, %e<4>; .reg .b32 %r, %a, %b, %c, %s<4>;\n\
         .reg .b16 %h, %ah, %bh, %ch, %g<4>; .reg .pred %p, %ap, %bp, %cp, %q<4>;\n\
         ld.param.u64 %x0, [rows]; ld.param.u64 %x1, [results]; ld.param.u32 %i0, [count];\n\
         mov.u32 %i1, %ctaid.x; mov.u32 %i2, %ntid.x; mov.u32 %i3, %tid.x;\n\
         mad.lo.u32 %i1, %i1, %i2, %i3; setp.ge.u32 %done, %i1, %i0; @%done exit;\n\
         mul.wide.u32 %x2, %i1, 24; add.u64 %x0, %x0, %x2;\n\
         mul.wide.u32 %x2, %i1, 8; add.u64 %x1, %x1, %x2;\n\
         ld.global.u64 %ad, [%x0]; ld.global.u64 %bd, [%x0+8]; ld.global.u64 %cd, [%x0+16];\n\
         cvt.u32.u64 %a, %ad; cvt.u32.u64 %b, %bd; cvt.u32.u64 %c, %cd;\n\
         cvt.u16.u64 %ah, %ad; cvt.u16.u64 %bh, %bd; cvt.u16.u64 %ch, %cd;\n\
         setp.ne.u64 %ap, %ad, 0; setp.ne.u64 %bp, %bd, 0; setp.ne.u64 %cp, %cd, 0;\n\
         {code}\n\
         {result}\n\
         st.global.u64 [%x1], %d;\n\
         }}"
    )
}

/// The results of some code for each row.
pub fn evaluate(code: &str, result: &str, rows: &[[u64; 3]]) -> Vec<u64> {
    try_evaluate(code, result, rows).unwrap_or_else(|error| panic!("{code}: {error}"))
}

/// The results of some code for each row, or the fault.
pub fn try_evaluate(code: &str, result: &str, rows: &[[u64; 3]]) -> Result<Vec<u64>, LaunchError> {
    let text = kernel(code, result);
    let module = Module::parse(&text).unwrap_or_else(|error| panic!("{code}: {error}"));
    let mut memory = Memory::new();
    let flat: Vec<u64> = rows.iter().flatten().copied().collect();
    let (values, results) = (
        memory.allocate_filled(&flat),
        memory.allocate(8 * rows.len()),
    );
    let count = rows.len() as u32;
    let grid = Grid::new([count.div_ceil(128), 1, 1], [128, 1, 1]);
    let arguments = [
        Argument::Address(values),
        Argument::Address(results),
        Argument::U32(count),
    ];
    module.launch(&mut memory, "k", &grid, &arguments)?;
    Ok(memory
        .read(results, rows.len())
        .expect("every thread writes its result"))
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }
}

/// The arguments of a kernel that takes pointers alone.
pub fn pointers(addresses: &[Address]) -> Vec<Argument> {
    addresses.iter().copied().map(Argument::Address).collect()
}
