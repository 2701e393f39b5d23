"""A daemon in a thread, one in a task, and a timer; all end with their object."""
import asyncio

import kopf


@kopf.daemon('boats', cancellation_timeout=5)
def watchman(name, stopped, patch, **_):
    print(f'WATCHMAN {name}', flush=True)
    stopped.wait(60)
    print(f'WATCHMAN {name} ends', flush=True)


@kopf.daemon('boats', cancellation_backoff=0.1, cancellation_timeout=1)
async def lookout(name, **_):
    print(f'LOOKOUT {name}', flush=True)
    try:
        await asyncio.sleep(60)
    finally:
        print(f'LOOKOUT {name} ends', flush=True)


@kopf.timer('boats', interval=0.2)
def bell(name, patch, status, **_):
    patch.status['bells'] = status.get('bells', 0) + 1
