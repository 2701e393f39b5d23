"""Signs ledgers, as another operator of the same kind does."""
import kopf


@kopf.on.startup()
def configure(settings, **_):
    settings.persistence.diffbase_storage = kopf.AnnotationsDiffBaseStorage(prefix='ledgers.kopf.test')
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix='ledgers.kopf.test')


def is_unsigned(status, **_):
    return 'by' not in status


@kopf.on.create('ledgers', when=is_unsigned)
@kopf.on.resume('ledgers', when=is_unsigned)
def sign(patch, **_):
    patch.status['by'] = 'kopf'
