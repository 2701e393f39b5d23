"""Raw events, one handler of them failing."""
import kopf


@kopf.on.event('boats')
def failing(**_):
    raise Exception('not for others to notice')


@kopf.on.event('boats')
def seen(name, event, **_):
    print(f'EVENT {name} {event["type"]}', flush=True)
