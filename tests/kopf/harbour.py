"""An operator that is replaced while its objects live on."""
import kopf


@kopf.on.resume('barges')
def resumed(name, **_):
    print(f'RESUMED {name}', flush=True)


@kopf.on.create('barges')
def launched(name, spec, **_):
    print(f'LAUNCHED {name}', flush=True)
    return {'crew': spec['crew']}


@kopf.on.create('barges')
def loaded(name, status, retry, **_):
    if 'cargo' not in status:
        print(f'WAITING {name} {retry}', flush=True)
        raise kopf.TemporaryError('there is no cargo', delay=0.5)
    print(f'LOADED {name}', flush=True)


@kopf.on.update('barges')
def refitted(name, diff, **_):
    print(f'REFITTED {name} {[tuple(change) for change in diff]}', flush=True)


@kopf.on.field('barges', field='spec.crew')
def mustered(name, old, new, **_):
    print(f'MUSTERED {name} {old} {new}', flush=True)


@kopf.on.delete('barges')
def announced(name, **_):
    print(f'ANNOUNCED {name}', flush=True)


@kopf.on.delete('barges')
def unloaded(name, status, retry, **_):
    if status.get('cargo'):
        print(f'STAYING {name} {retry}', flush=True)
        raise kopf.TemporaryError('there is cargo on board', delay=0.5)
    print(f'UNLOADED {name}', flush=True)
