"""Every cause that changes of objects have, printed."""
import kopf


@kopf.on.resume('boats')
def resumed(name, **_):
    print(f'RESUMED {name}', flush=True)


@kopf.on.create('boats')
def created(name, **_):
    print(f'CREATED {name}', flush=True)


@kopf.on.create('boats', id='stubborn', backoff=0.1)
def created_at_the_third_attempt(name, retry, **_):
    if retry < 2:
        raise kopf.TemporaryError('not yet', delay=0.1)
    print(f'CREATED {name} after {retry} retries', flush=True)


@kopf.on.update('boats')
def updated(name, diff, **_):
    print(f'UPDATED {name} {[tuple(change) for change in diff]}', flush=True)


@kopf.on.field('boats', field='spec.crew')
def mustered(name, old, new, **_):
    print(f'FIELD {name} {old} {new}', flush=True)


@kopf.on.delete('boats')
def deleted(name, **_):
    print(f'DELETED {name}', flush=True)
