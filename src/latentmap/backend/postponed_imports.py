"""Postponed imports of packages that others import for functions that are rarely called.

- Keras imports Matplotlib for its galleries of images, JAX's attention on TPUs for one layer,
  IPython for its editor of model files, h5py for old model files, and requests for one callback.
- scikit-learn imports SciPy's statistics, linear algebra and sparse solvers, and joblib, for a few
  functions, and pandas and narwhals to recognise data frames, as Keras does with pandas.
- SciPy imports all submodules of NumPy, and distances and rotations with its search trees.
- openTSNE imports scikit-learn's PCA and neighbours.

These imports take more than a second.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
import types
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy

_TPU_ATTENTION = "jax.experimental.pallas.ops.tpu.splash_attention"
# Names of the postponed modules, and of their classes and functions that other modules import from
# them.
_POSTPONED_NAMES = {
    "IPython": (),
    _TPU_ATTENTION: (),
    f"{_TPU_ATTENTION}.splash_attention_kernel": (),
    f"{_TPU_ATTENTION}.splash_attention_mask": (),
    "h5py": (),
    "joblib": ("cpu_count",),
    "matplotlib": (),
    "matplotlib.patches": (),
    "matplotlib.pyplot": (),
    "narwhals": (),
    "narwhals.stable": (),
    "narwhals.stable.v2": (),
    "numpy.f2py": (),
    "numpy.ma": (),
    "numpy.polynomial": (),
    "numpy.testing": (),
    "pandas": ("DataFrame", "Series"),
    "requests": (),
    "scipy.sparse.linalg": ("LinearOperator", "cg"),
    "scipy.spatial.distance": ("euclidean",),
    "scipy.spatial.transform": (),
    "scipy.special": (),
    "scipy.stats": (),
    "sklearn.decomposition": ("PCA",),
    "sklearn.neighbors": (),
    "sklearn.utils.extmath": ("_approximate_mode", "safe_sqr"),
    "sklearn.utils.parallel": ("_get_threadpool_controller",),
}


@contextlib.contextmanager
def postpone_imports() -> Iterator[None]:
    """Import pandas and similar packages when they are used, for modules imported in the block.

    Examples
    --------
    >>> with postpone_imports():
    ...     import matplotlib.pyplot as plt
    >>> plt.Figure.__name__
    'Figure'
    """
    postponed_modules = {
        name: _PostponedModule(name) for name in _POSTPONED_NAMES if _can_postpone(name)
    }
    # "import matplotlib.pyplot as plt" reads the attribute `pyplot` of `matplotlib`. Without its
    # attribute `f2py`, NumPy would run "import numpy.f2py as f2py" in `__getattr__` without end.
    parents: dict[str, ModuleType] = {"numpy": numpy, **postponed_modules}
    for name, module in postponed_modules.items():
        parent = parents.get(name.rpartition(".")[0])
        if parent is not None:
            setattr(parent, name.rpartition(".")[2], module)
    sys.modules.update(postponed_modules)
    try:
        yield
    finally:
        for name, module in postponed_modules.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]
        for name in [n for n, v in vars(numpy).items() if isinstance(v, _PostponedModule)]:
            delattr(numpy, name)
        _set_submodules(postponed_modules)


def _set_submodules(postponed_modules: dict[str, _PostponedModule]) -> None:
    """Set postponed submodules as attributes of their packages, as an import would.

    Packages at the top level, such as SciPy, import a submodule when the attribute is read.
    """
    for name, module in postponed_modules.items():
        parent_name, _, attribute = name.rpartition(".")
        parent = sys.modules.get(parent_name)
        if "." in parent_name and parent is not None and attribute not in vars(parent):
            for class_name in _POSTPONED_NAMES[name]:
                delattr(module, class_name)  # The next access imports the class.
            setattr(parent, attribute, module)


def _can_postpone(name: str) -> bool:
    """Return whether a module has not been imported, and its package is installed."""
    package = name.partition(".")[0]
    return name not in sys.modules and importlib.util.find_spec(package) is not None


class _PostponedModule(ModuleType):
    """Stands in for a module, and imports it when one of its attributes is used."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        for class_name in _POSTPONED_NAMES[name]:
            setattr(self, class_name, _PostponedClass(class_name, (), {"__module__": name}))

    def __getattr__(self, attribute: str) -> Any:
        if attribute == "__path__":  # Python reads this attribute of every imported module.
            raise AttributeError(attribute)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), attribute)


class _PostponedClass(type):
    """Stands in for a class; an object of that class exists only if its module was imported."""

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> Any:
        if not bases:
            return super().__new__(cls, name, bases, namespace)
        return types.new_class(  # The base of a subclass is the imported class.
            name, tuple(map(_import_class, bases)), exec_body=lambda n: n.update(namespace)
        )

    def __call__(cls, *args: object, **settings: object) -> object:
        return _import_class(cls)(*args, **settings)

    def __instancecheck__(cls, instance: object) -> bool:
        module = sys.modules.get(cls.__module__)
        return module is not None and isinstance(instance, getattr(module, cls.__name__))


def _import_class(cls: type) -> type:
    """Import the class that a postponed class represents; return any other class as it is."""
    if not isinstance(cls, _PostponedClass):
        return cls
    return getattr(importlib.import_module(cls.__module__), cls.__name__)
