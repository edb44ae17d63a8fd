"""How far apart two distributions are, from samples alone, with an honest error bar.

Names load when they are first used, so that importing the package stays fast; the list of
public names is `__init__.pyi`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

__version__ = "0.1.0"
