# SPDX-License-Identifier: Apache-2.0
"""What integration and end-to-end tests stand on; the standard library only."""
