//! The objects a pickle makes: plain data in one list, referred to by number, so that what the
//! pickle shares or changes later is shared and changed here. Knows the limits.

use super::super::error::{CheckpointError, within};
use super::super::limits::{DEEPEST, Limits};
use super::super::tensor::{DType, TensorRef};
use super::super::value::{Dict, Value};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// An object, by its number.
pub(super) type Id = u32;

/// One object.
#[derive(Clone, Debug)]
pub(super) enum Node {
    None,
    Bool(bool),
    Int(i64),
    /// A whole number beyond 64 bits: two's complement, the least byte first.
    BigInt(Arc<[u8]>),
    Float(f64),
    Str(Arc<str>),
    Bytes(Arc<[u8]>),
    List(Vec<Id>),
    Tuple(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// A class or function.
    Global(Arc<str>),
    Storage(StorageNode),
    Tensor(TensorRef),
    NumpyDType(NumpyDType),
    /// An object of a class without a meaning here.
    Opaque(Arc<str>),
}

/// A part of a storage of the checkpoint.
#[derive(Clone, Copy, Debug)]
pub(super) struct StorageNode {
    /// The storage, by its place in the checkpoint's list.
    pub(super) index: u32,
    pub(super) dtype: DType,
    /// The first element, of those in the storage.
    pub(super) start: u32,
    /// Elements.
    pub(super) len: u64,
}

/// A numpy type of one number.
#[derive(Clone, Copy, Debug)]
pub(super) struct NumpyDType {
    /// As numpy writes it: `f` and `4`.
    pub(super) kind: u8,
    pub(super) bytes: u8,
    pub(super) big_endian: bool,
}

/// All objects of a pickle.
pub(super) struct Heap<'a> {
    nodes: Vec<Node>,
    names: HashSet<Arc<str>>,
    unknown: BTreeSet<Arc<str>>,
    tensors: usize,
    copied_items: usize,
    copied_bytes: u64,
    pub(super) limits: &'a Limits,
}

impl<'a> Heap<'a> {
    pub(super) fn new(limits: &'a Limits) -> Self {
        Self {
            nodes: Vec::new(),
            names: HashSet::new(),
            unknown: BTreeSet::new(),
            tensors: 0,
            copied_items: 0,
            copied_bytes: 0,
            limits,
        }
    }

    /// Adds an object.
    pub(super) fn add(&mut self, node: Node) -> Result<Id, CheckpointError> {
        if matches!(node, Node::Tensor(_)) {
            self.tensors += 1;
            within("tensors", self.tensors as u64, self.limits.tensors as u64)?;
        }
        let id = self.nodes.len();
        let limit = self.limits.objects.min(u32::MAX as usize);
        within("objects in the pickle", id as u64 + 1, limit as u64)?;
        self.nodes.push(node);
        Ok(id as Id)
    }

    pub(super) fn get(&self, id: Id) -> &Node {
        &self.nodes[id as usize]
    }

    pub(super) fn get_mut(&mut self, id: Id) -> &mut Node {
        &mut self.nodes[id as usize]
    }

    /// Counts items that an operation copies, for some copy much at the cost of a few bytes.
    pub(super) fn copying(&mut self, items: usize) -> Result<(), CheckpointError> {
        self.copied_items = self.copied_items.saturating_add(items);
        let limit = self.limits.objects as u64;
        within(
            "objects copied in the pickle",
            self.copied_items as u64,
            limit,
        )
    }

    /// Counts bytes that an operation copies.
    pub(super) fn copying_bytes(&mut self, bytes: usize) -> Result<(), CheckpointError> {
        self.copied_bytes = self.copied_bytes.saturating_add(bytes as u64);
        let limit = self.limits.pickle_bytes;
        within("bytes copied in the pickle", self.copied_bytes, limit)
    }

    /// The dotted name of a class or function, kept once.
    pub(super) fn name(&mut self, module: &str, name: &str) -> Result<Arc<str>, CheckpointError> {
        const NAME_BYTES: usize = 512;
        let bytes = module.len() + 1 + name.len();
        within(
            "bytes in the name of a class",
            bytes as u64,
            NAME_BYTES as u64,
        )?;
        let dotted = format!("{module}.{name}");
        if let Some(kept) = self.names.get(dotted.as_str()) {
            return Ok(Arc::clone(kept));
        }
        self.copying_bytes(bytes)?;
        let kept: Arc<str> = dotted.into();
        self.names.insert(Arc::clone(&kept));
        Ok(kept)
    }

    /// Remembers a class or function that is not on the list.
    pub(super) fn note_unknown(&mut self, name: &Arc<str>) {
        self.unknown.insert(Arc::clone(name));
    }

    /// Every such name.
    pub(super) fn unknown(self) -> Vec<Arc<str>> {
        self.unknown.into_iter().collect()
    }

    /// The items of a list or tuple.
    pub(super) fn items(&self, id: Id) -> Option<&[Id]> {
        match self.get(id) {
            Node::List(items) | Node::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// The tree below an object, where what is shared is repeated.
    pub(super) fn tree(&self, root: Id) -> Result<Value, CheckpointError> {
        let mut planter = Planter {
            heap: self,
            objects: 0,
            tensors: 0,
            tensor_bytes: 0,
            name_bytes: 0,
        };
        planter.value(root, 0, 0)
    }
}

/// Makes the tree and counts what it takes.
struct Planter<'a> {
    heap: &'a Heap<'a>,
    objects: u64,
    tensors: u64,
    tensor_bytes: u64,
    name_bytes: u64,
}

impl Planter<'_> {
    /// `name_bytes`: the length of the dotted name of this value.
    fn value(&mut self, id: Id, depth: usize, name_bytes: u64) -> Result<Value, CheckpointError> {
        let limits = self.heap.limits;
        self.objects += 1;
        within("objects", self.objects, limits.objects as u64)?;
        let deepest = limits.depth.min(DEEPEST);
        within("containers within containers", depth as u64, deepest as u64)?;
        Ok(match self.heap.get(id) {
            Node::None => Value::None,
            Node::Bool(truth) => Value::Bool(*truth),
            Node::Int(number) => Value::Int(*number),
            Node::Float(number) => Value::Float(*number),
            Node::Str(text) => Value::Str(Arc::clone(text)),
            Node::Bytes(bytes) => Value::Bytes(Arc::clone(bytes)),
            Node::Tensor(tensor) => {
                self.count(tensor, name_bytes)?;
                Value::Tensor(tensor.clone())
            }
            Node::List(items) => Value::List(self.values(items, depth, name_bytes)?),
            Node::Tuple(items) => Value::Tuple(self.values(items, depth, name_bytes)?),
            Node::Dict(pairs) => Value::Dict(self.dict(pairs, depth, name_bytes)?),
            Node::Global(class) | Node::Opaque(class) => Value::Opaque {
                class: Arc::clone(class),
            },
            Node::BigInt(_) => opaque("builtins.int"),
            Node::Storage(_) => opaque("torch.Storage"),
            Node::NumpyDType(_) => opaque("numpy.dtype"),
        })
    }

    fn values(
        &mut self,
        items: &[Id],
        depth: usize,
        name_bytes: u64,
    ) -> Result<Vec<Value>, CheckpointError> {
        // A number in the name of an item.
        let below = name_bytes + 8;
        items
            .iter()
            .map(|item| self.value(*item, depth + 1, below))
            .collect()
    }

    fn dict(
        &mut self,
        pairs: &[(Id, Id)],
        depth: usize,
        name_bytes: u64,
    ) -> Result<Dict, CheckpointError> {
        let mut places: HashMap<&str, usize> = HashMap::new();
        let mut dict = Vec::new();
        for (key, value) in pairs {
            let name = match self.heap.get(*key) {
                Node::Str(text) => Some(&**text),
                _ => None,
            };
            let below = name_bytes + 1 + name.map_or(8, str::len) as u64;
            let key = self.value(*key, depth + 1, below)?;
            let value = self.value(*value, depth + 1, below)?;
            match name.and_then(|name| places.insert(name, dict.len()).map(|at| (name, at))) {
                // As in Python, the key stays where it was first.
                Some((name, at)) => {
                    places.insert(name, at);
                    dict[at] = (key, value);
                }
                None => dict.push((key, value)),
            }
        }
        Ok(Dict(dict))
    }

    fn count(&mut self, tensor: &TensorRef, name_bytes: u64) -> Result<(), CheckpointError> {
        let limits = self.heap.limits;
        self.tensors += 1;
        within("tensors", self.tensors, limits.tensors as u64)?;
        self.tensor_bytes = self.tensor_bytes.saturating_add(tensor.bytes());
        within("bytes of tensors", self.tensor_bytes, limits.tensor_bytes)?;
        self.name_bytes = self.name_bytes.saturating_add(name_bytes);
        within(
            "bytes of tensor names",
            self.name_bytes,
            limits.pickle_bytes,
        )
    }
}

fn opaque(class: &str) -> Value {
    Value::Opaque {
        class: class.into(),
    }
}
