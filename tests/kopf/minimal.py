"""One handler: its result lands in the status."""
import kopf


@kopf.on.create('boats')
def launched(spec, **_):
    return {'crew': spec['crew']}
