//! What calls in a pickle come to: the operations of the allow-list on plain data. A call of
//! anything else makes an opaque value, and so does a call on one.

use super::super::error::CheckpointError;
use super::super::read::Storage;
use super::super::tensor::{DType, Place, TensorRef};
use super::FindStorage;
use super::heap::{Heap, Id, Node, NumpyDType, StorageNode};
use super::known::{Known, known};
use std::collections::HashMap;
use std::sync::Arc;

impl CheckpointError {
    /// The same, saying where in the pickle.
    pub(super) fn at(self, position: u64) -> Self {
        match self {
            Self::Damaged { expected, found } => Self::Damaged {
                expected,
                found: format!("{found}, before byte {position} of the pickle"),
            },
            other => other,
        }
    }
}

/// The storages that a pickle refers to.
pub(super) struct Storages<'a> {
    list: Vec<(String, Storage)>,
    by_name: HashMap<String, u32>,
    find: &'a mut FindStorage<'a>,
}

impl<'a> Storages<'a> {
    pub(super) fn new(find: &'a mut FindStorage<'a>) -> Self {
        Self {
            list: Vec::new(),
            by_name: HashMap::new(),
            find,
        }
    }

    pub(super) fn into_list(self) -> Vec<(String, Storage)> {
        self.list
    }

    /// The object a persistent reference stands for, as `torch.save` writes them: `("storage",
    /// class, name, device, elements)`, before torch 1.6 with `(name, start, elements)` or nothing
    /// behind it; `("module", class, file, source)`.
    pub(super) fn refer(
        &mut self,
        heap: &mut Heap<'_>,
        reference: Id,
    ) -> Result<Id, CheckpointError> {
        let malformed = || CheckpointError::damaged("a reference to a storage", "another object");
        let items = heap.items(reference).ok_or_else(malformed)?;
        let kind = items.first().and_then(|kind| text(heap, *kind));
        match (kind.as_deref(), items) {
            (Some("module"), [_, class, ..]) => Ok(*class),
            (Some("storage"), &[_, class, name, _, elements, ref view @ ..]) => {
                let Node::Global(class) = heap.get(class) else {
                    return Err(malformed());
                };
                let class = Arc::clone(class);
                let dtype = match known(&class) {
                    Some(Known::Storage(dtype)) => dtype,
                    Some(Known::UntypedStorage) => DType::U8,
                    _ => return heap.add(Node::Opaque(class)),
                };
                let name = text(heap, name).ok_or_else(malformed)?;
                let elements = count(heap, elements).ok_or_else(malformed)?;
                let part = view.first().and_then(|view| part_of(heap, *view));
                let (start, len) = part.unwrap_or((0, elements));
                let end = u64::from(start).checked_add(len);
                let bytes = elements.checked_mul(dtype.bytes() as u64);
                match (end, bytes) {
                    (Some(end), Some(bytes)) if end <= elements => {
                        let index = self.index(&name, bytes)?;
                        heap.add(Node::Storage(StorageNode {
                            index,
                            dtype,
                            start,
                            len,
                        }))
                    }
                    _ => Err(CheckpointError::damaged(
                        "a view within its storage",
                        format!("elements {start} to {start} + {len} of {elements} of {name}"),
                    )),
                }
            }
            _ => Err(malformed()),
        }
    }

    /// The place of a storage in the list, which must have so many bytes.
    fn index(&mut self, name: &str, bytes: u64) -> Result<u32, CheckpointError> {
        if let Some(&index) = self.by_name.get(name) {
            let there = self.list[index as usize].1.bytes;
            return match bytes <= there {
                true => Ok(index),
                false => Err(CheckpointError::damaged(
                    format!("{bytes} bytes in the storage {name}"),
                    there.to_string(),
                )),
            };
        }
        let storage = (self.find)(name, bytes)?;
        let index = self.list.len() as u32;
        self.list.push((name.to_owned(), storage));
        self.by_name.insert(name.to_owned(), index);
        Ok(index)
    }
}

/// The part that a view of a storage takes: `(name, start, elements)`.
fn part_of(heap: &Heap<'_>, view: Id) -> Option<(u32, u64)> {
    match heap.items(view)? {
        &[_, start, len] => {
            let start = u32::try_from(count(heap, start)?).ok()?;
            Some((start, count(heap, len)?))
        }
        _ => None,
    }
}

/// The object that a call makes.
pub(super) fn call(heap: &mut Heap<'_>, callee: Id, arguments: Id) -> Result<Id, CheckpointError> {
    let class = match heap.get(callee) {
        Node::Global(class) | Node::Opaque(class) => Arc::clone(class),
        _ => {
            return Err(CheckpointError::damaged(
                "a class or function to call",
                "another object",
            ));
        }
    };
    let opaque_callee = matches!(heap.get(callee), Node::Opaque(_));
    let arguments = heap.items(arguments).map(<[Id]>::to_vec);
    let (Some(meaning), Some(arguments), false) = (known(&class), arguments, opaque_callee) else {
        return heap.add(Node::Opaque(class));
    };
    heap.copying(arguments.len())?;
    let made = match meaning {
        Known::FromType => from_type(heap, &arguments)?,
        other => apply(heap, other, &arguments)?,
    };
    match made {
        Some(id) => Ok(id),
        None => heap.add(Node::Opaque(class)),
    }
}

/// `_rebuild_from_type_v2(function, class, arguments, state)`: a tensor with attributes, or of a
/// class of its own, which it keeps as a name only.
fn from_type(heap: &mut Heap<'_>, arguments: &[Id]) -> Result<Option<Id>, CheckpointError> {
    let &[function, class, inner, ..] = arguments else {
        return Ok(None);
    };
    let (Node::Global(function), Node::Global(class)) = (heap.get(function), heap.get(class))
    else {
        return Ok(None);
    };
    let plain = known(class) == Some(Known::Inert);
    let (meaning, class) = (known(function), Arc::clone(class));
    let Some(inner) = heap.items(inner).map(<[Id]>::to_vec) else {
        return Ok(None);
    };
    heap.copying(inner.len())?;
    match meaning {
        Some(meaning @ (Known::Tensor | Known::TypedTensor | Known::First)) if plain => {
            apply(heap, meaning, &inner)
        }
        _ => heap.add(Node::Opaque(class)).map(Some),
    }
}

/// What a function of the list makes of its arguments; `None` where it can make nothing of them.
/// Never calls another.
fn apply(
    heap: &mut Heap<'_>,
    meaning: Known,
    arguments: &[Id],
) -> Result<Option<Id>, CheckpointError> {
    let first = arguments.first().copied();
    let node = match meaning {
        Known::First => return Ok(first),
        Known::Tensor => return tensor(heap, arguments, None),
        Known::TypedTensor => {
            let dtype = arguments.get(6).map(|dtype| heap.get(*dtype));
            match dtype {
                Some(Node::Global(name)) => match known(name) {
                    Some(Known::DType(dtype)) => return tensor(heap, arguments, Some(dtype)),
                    _ => Node::Opaque(Arc::clone(name)),
                },
                _ => return Ok(None),
            }
        }
        Known::DefaultDict => Node::Dict(Vec::new()),
        Known::Dict => match first.map(|first| (first, heap.get(first))) {
            None => Node::Dict(Vec::new()),
            Some((first, Node::Dict(_))) => return Ok(Some(first)),
            Some((first, _)) => match pairs(heap, first)? {
                Some(pairs) => Node::Dict(pairs),
                None => return Ok(None),
            },
        },
        Known::Items | Known::Tuple => match first.map(|first| (first, heap.get(first))) {
            None if meaning == Known::Tuple => Node::Tuple(Vec::new()),
            None => Node::List(Vec::new()),
            // What a pickle does to one copy it does to no other: they may be the same.
            Some((first, Node::List(_) | Node::Tuple(_) | Node::Bytes(_))) => {
                return Ok(Some(first));
            }
            Some((first, Node::Str(_))) if meaning == Known::Items => match latin1(heap, first)? {
                Some(bytes) => Node::Bytes(bytes),
                None => return Ok(None),
            },
            Some(_) => return Ok(None),
        },
        Known::Encode => match first.map(|first| latin1(heap, first)).transpose()? {
            Some(Some(bytes)) => Node::Bytes(bytes),
            _ => return Ok(None),
        },
        Known::NumpyDType => match first.and_then(|name| numpy_dtype(&text(heap, name)?)) {
            Some(dtype) => Node::NumpyDType(dtype),
            None => return Ok(None),
        },
        Known::NumpyScalar => match numpy_scalar(heap, arguments) {
            Some(number) => number,
            None => return Ok(None),
        },
        Known::FromType
        | Known::Storage(_)
        | Known::UntypedStorage
        | Known::DType(_)
        | Known::Inert => return Ok(None),
    };
    heap.add(node).map(Some)
}

/// `_rebuild_tensor*(storage, offset, shape, strides, …)`.
fn tensor(
    heap: &mut Heap<'_>,
    arguments: &[Id],
    dtype: Option<DType>,
) -> Result<Option<Id>, CheckpointError> {
    let malformed = || {
        CheckpointError::damaged(
            "a tensor's storage, offset, shape and strides",
            "other objects",
        )
    };
    let &[storage, offset, shape, strides, ..] = arguments else {
        return Err(malformed());
    };
    let storage = match heap.get(storage) {
        Node::Storage(storage) => *storage,
        // Elements of a kind that is not read here.
        Node::Opaque(class) => {
            let class = Arc::clone(class);
            return heap.add(Node::Opaque(class)).map(Some);
        }
        _ => return Err(malformed()),
    };
    let numbers = |id: Id| -> Option<Vec<usize>> {
        // More dimensions than a tensor may have are refused with the rest.
        let items = heap.items(id)?.iter().take(64);
        items
            .map(|item| usize::try_from(count(heap, *item)?).ok())
            .collect()
    };
    let shape = numbers(shape).ok_or_else(malformed)?;
    let strides = numbers(strides).ok_or_else(malformed)?;
    let offset = count(heap, offset).ok_or_else(malformed)?;
    let end = u64::from(storage.start) + storage.len;
    let (dtype, storage_len) = match dtype {
        Some(dtype) => (dtype, end / dtype.bytes() as u64),
        None => (storage.dtype, end),
    };
    let place = Place {
        storage: storage.index as usize,
        dtype,
        shape: &shape,
        strides: &strides,
        offset: usize::try_from(offset)
            .ok()
            .and_then(|offset| offset.checked_add(storage.start as usize))
            .ok_or_else(malformed)?,
    };
    let storage_len = usize::try_from(storage_len).map_err(|_| malformed())?;
    let tensor = TensorRef::new(place, storage_len, heap.limits)?;
    heap.add(Node::Tensor(tensor)).map(Some)
}

/// Keys and values out of a list of pairs.
fn pairs(heap: &mut Heap<'_>, list: Id) -> Result<Option<Vec<(Id, Id)>>, CheckpointError> {
    let Some(items) = heap.items(list) else {
        return Ok(None);
    };
    let pair = |item: &Id| match heap.items(*item)? {
        &[key, value] => Some((key, value)),
        _ => None,
    };
    let pairs: Option<Vec<(Id, Id)>> = items.iter().map(pair).collect();
    heap.copying(pairs.as_ref().map_or(0, Vec::len))?;
    Ok(pairs)
}

/// Text of code points below 256 as bytes.
fn latin1(heap: &mut Heap<'_>, id: Id) -> Result<Option<Arc<[u8]>>, CheckpointError> {
    let Some(text) = text(heap, id) else {
        return Ok(None);
    };
    heap.copying_bytes(text.len())?;
    Ok(text
        .chars()
        .map(|c| u8::try_from(u32::from(c)).ok())
        .collect())
}

/// A numpy type by its name: `f4`, `<i8`.
fn numpy_dtype(name: &str) -> Option<NumpyDType> {
    let (big_endian, name) = match name.as_bytes() {
        [b'>', name @ ..] => (true, name),
        [b'<' | b'=' | b'|', name @ ..] => (false, name),
        name => (false, name),
    };
    match *name {
        [kind @ (b'f' | b'i' | b'u' | b'b'), digit @ b'1'..=b'8'] => Some(NumpyDType {
            kind,
            bytes: digit - b'0',
            big_endian,
        }),
        _ => None,
    }
}

/// `scalar(type, bytes)`.
fn numpy_scalar(heap: &Heap<'_>, arguments: &[Id]) -> Option<Node> {
    let &[dtype, bytes] = arguments else {
        return None;
    };
    let (Node::NumpyDType(dtype), Node::Bytes(bytes)) = (heap.get(dtype), heap.get(bytes)) else {
        return None;
    };
    if bytes.len() != usize::from(dtype.bytes) {
        return None;
    }
    let mut little = [0; 8];
    little[..bytes.len()].copy_from_slice(bytes);
    if dtype.big_endian {
        little[..bytes.len()].reverse();
    }
    let word = u64::from_le_bytes(little);
    let unused = 64 - 8 * u32::from(dtype.bytes);
    Some(match (dtype.kind, dtype.bytes) {
        (b'f', 8) => Node::Float(f64::from_bits(word)),
        (b'f', 4) => Node::Float(f64::from(f32::from_bits(word as u32))),
        (b'b', 1) => Node::Bool(word != 0),
        (b'u', 1 | 2 | 4 | 8) => Node::Int(i64::try_from(word).ok()?),
        // Shifted up and back, the sign fills what the type has not.
        (b'i', 1 | 2 | 4 | 8) => Node::Int((word << unused).cast_signed() >> unused),
        _ => return None,
    })
}

/// Sets the state of an object. Only a numpy type has one here: its byte order.
pub(super) fn build(heap: &mut Heap<'_>, object: Id, state: Id) {
    let order = heap.items(state).and_then(|items| items.get(1));
    let big_endian = order
        .and_then(|order| text(heap, *order))
        .is_some_and(|order| &*order == ">");
    if let Node::NumpyDType(dtype) = heap.get_mut(object) {
        dtype.big_endian |= big_endian;
    }
}

fn text(heap: &Heap<'_>, id: Id) -> Option<Arc<str>> {
    match heap.get(id) {
        Node::Str(text) => Some(Arc::clone(text)),
        _ => None,
    }
}

/// A whole number that is not negative.
fn count(heap: &Heap<'_>, id: Id) -> Option<u64> {
    match heap.get(id) {
        Node::Int(number) => u64::try_from(*number).ok(),
        _ => None,
    }
}
