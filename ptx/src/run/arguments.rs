//! Arguments of a kernel, held against its parameters.

use crate::decode::program::{Parameter, Program};
use crate::memory::Address;
use crate::memory::bytes::Bytes;
use crate::parse::syntax::Kind;

/// What a kernel is passed for one parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Argument {
    /// A pointer.
    Address(Address),
    /// A number of 32 bits without a sign.
    U32(u32),
    /// A number of 32 bits.
    I32(i32),
    /// A number of 64 bits without a sign.
    U64(u64),
    /// A number of 64 bits.
    I64(i64),
    /// Single precision.
    F32(f32),
    /// Double precision.
    F64(f64),
    /// A structure, as it lies in memory.
    Bytes(Vec<u8>),
}

impl Argument {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Address(Address(value)) | Self::U64(value) => value.to_le_bytes().into(),
            Self::U32(value) => value.to_le_bytes().into(),
            Self::I32(value) => value.to_le_bytes().into(),
            Self::I64(value) => value.to_le_bytes().into(),
            Self::F32(value) => value.to_le_bytes().into(),
            Self::F64(value) => value.to_le_bytes().into(),
            Self::Bytes(bytes) => bytes.clone(),
        }
    }

    fn fits(&self, parameter: &Parameter) -> bool {
        let kind = parameter.kind;
        let is_plain = |kinds: &[Kind]| !parameter.is_array && kinds.contains(&kind);
        match self {
            Self::Address(_) | Self::U64(_) | Self::I64(_) => {
                is_plain(&[Kind::U64, Kind::S64, Kind::B64])
            }
            Self::U32(_) | Self::I32(_) => is_plain(&[Kind::U32, Kind::S32, Kind::B32]),
            Self::F32(_) => is_plain(&[Kind::F32, Kind::B32]),
            Self::F64(_) => is_plain(&[Kind::F64, Kind::B64]),
            Self::Bytes(bytes) => bytes.len() == parameter.bytes as usize,
        }
    }
}

/// The parameters as they lie in memory.
pub(super) fn bytes(program: &Program, arguments: &[Argument]) -> Result<Bytes, String> {
    let parameters = &program.parameters;
    if parameters.len() != arguments.len() {
        let (wanted, found) = (parameters.len(), arguments.len());
        return Err(format!("expected {wanted} arguments, found {found}"));
    }
    let mut bytes = Bytes::unwritten(program.parameter_bytes as usize);
    for (number, (parameter, argument)) in parameters.iter().zip(arguments).enumerate() {
        if !argument.fits(parameter) {
            let kind = format!("{:?}", parameter.kind).to_lowercase();
            let name = &parameter.name;
            let size = parameter.bytes;
            return Err(format!(
                "argument {number} is {argument:?}, parameter `{name}` is .{kind} of {size} bytes"
            ));
        }
        bytes.write_slice(parameter.offset as usize, &argument.bytes());
    }
    Ok(bytes)
}
