//! The allow-list: the classes and functions that a pickle may name and that mean something here.
//! Each stands for an operation on plain data written in this module; none is Python's own.

use super::super::tensor::DType;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// A dictionary, empty or of pairs.
    Dict,
    /// A dictionary, of which only what is stored in it later is kept.
    DefaultDict,
    /// A list or set of the items of its argument.
    Items,
    /// A tuple of the items of its argument.
    Tuple,
    /// A tensor from storage, offset, shape and strides.
    Tensor,
    /// The same from a storage without a type; the type is the seventh argument.
    TypedTensor,
    /// Its first argument.
    First,
    /// A function of this list applied to the third argument; the second is the class.
    FromType,
    /// A storage of such elements.
    Storage(DType),
    /// A storage of bytes.
    UntypedStorage,
    /// The type of a tensor.
    DType(DType),
    /// A number of a numpy type from its bytes.
    NumpyScalar,
    /// A numpy type.
    NumpyDType,
    /// Text of code points below 256, which is how old protocols write bytes.
    Encode,
    /// A name without a meaning here that is found in harmless checkpoints.
    Inert,
}

/// What a dotted name stands for, or `None` where it is unknown.
pub(super) fn known(name: &str) -> Option<Known> {
    let name = name
        .strip_prefix("__builtin__.")
        .or_else(|| name.strip_prefix("builtins."))
        .unwrap_or(name);
    Some(match name {
        "collections.OrderedDict" | "dict" | "collections.Counter" => Known::Dict,
        "collections.defaultdict" => Known::DefaultDict,
        "list" | "set" | "frozenset" | "bytearray" => Known::Items,
        "tuple" | "torch.Size" => Known::Tuple,
        "torch._utils._rebuild_tensor" | "torch._utils._rebuild_tensor_v2" => Known::Tensor,
        "torch._utils._rebuild_tensor_v3" => Known::TypedTensor,
        "torch._utils._rebuild_parameter" | "torch._utils._rebuild_parameter_with_state" => {
            Known::First
        }
        "torch._tensor._rebuild_from_type_v2" => Known::FromType,
        "torch.storage.UntypedStorage" | "torch.UntypedStorage" => Known::UntypedStorage,
        "numpy.core.multiarray.scalar" | "numpy._core.multiarray.scalar" => Known::NumpyScalar,
        "numpy.dtype" => Known::NumpyDType,
        "_codecs.encode" => Known::Encode,
        "torch.Tensor" | "torch.nn.parameter.Parameter" | "torch.device" => Known::Inert,
        "int" | "float" | "bool" | "str" | "bytes" | "complex" => Known::Inert,
        _ => return torch_name(name),
    })
}

/// Storage classes, of the CPU and of a GPU, and types of tensors.
fn torch_name(name: &str) -> Option<Known> {
    let name = name.strip_prefix("torch.")?;
    let class = name.strip_prefix("cuda.").unwrap_or(name);
    if let Some(element) = class.strip_suffix("Storage") {
        let dtype = match element {
            "Half" => DType::F16,
            "BFloat16" => DType::Bf16,
            "Float" => DType::F32,
            "Double" => DType::F64,
            "Long" => DType::I64,
            "Int" => DType::I32,
            "Short" => DType::I16,
            "Char" => DType::I8,
            "Byte" => DType::U8,
            "Bool" => DType::Bool,
            _ => return None,
        };
        return Some(Known::Storage(dtype));
    }
    let dtype = match name {
        "float16" | "half" => DType::F16,
        "bfloat16" => DType::Bf16,
        "float32" | "float" => DType::F32,
        "float64" | "double" => DType::F64,
        "int64" | "long" => DType::I64,
        "int32" | "int" => DType::I32,
        "int16" | "short" => DType::I16,
        "int8" => DType::I8,
        "uint8" => DType::U8,
        "bool" => DType::Bool,
        _ => return None,
    };
    Some(Known::DType(dtype))
}
