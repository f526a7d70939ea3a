"""An independent reading of the KPI contract, written from KPIS.md, KPI_RULES.md and decision 0002 alone.

It imports nothing of the product. `figures` answers like `firstline report --format json`, with percentiles as ranges.
"""

from .compare import differences
from .oracle import Oracle, figures

__all__ = ["Oracle", "differences", "figures"]
