"""Products that the same script measures in the same run: each starts its server on the same bookings."""

from benchmarks.products.data import Slot, Workload, workload
from benchmarks.products.equora import Equora
from benchmarks.products.nemo import Nemo
from benchmarks.products.product import Call, Product

__all__ = ["Call", "Equora", "Nemo", "Product", "Slot", "Workload", "workload"]
