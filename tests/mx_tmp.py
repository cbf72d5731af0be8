import sys, tempfile, shutil, json, sqlite3
from pathlib import Path
from strongroom.runner.local import LocalRunner
import tests.due.mixed as m
from tests.replicate.conftest import Place
orig_hurt=m.hurt
root=Path('/dev/shm/own/mx'); shutil.rmtree(root, ignore_errors=True)
def show(place,tag):
    print('==',tag)
    for s in ('one','two'):
        for p in sorted((place.folder(s)/'log').glob('*/*')):
            import hashlib
            d=p.read_bytes()
            try: v=json.loads(d); info=(v['seq'],(v.get('previous') or '-')[:8], v.get('store','')[:6], [e['eventType'] if 'eventType' in e else e for e in v['events']][:3])
            except Exception as e: info=repr(e)[:60]
            print(s,p.parent.name[:6],p.name,hashlib.sha256(d).hexdigest()[:8],info)
def hurt(place,store,each,chance,tally):
    if store=='one': show(place,'before')
    orig_hurt(place,store,each,chance,tally)
m.hurt=hurt
oa=m.audit; orp=m.repair
def au(*a,**k):
    r=oa(*a,**k); show(PL[0],'after audit'); return r
def rp(*a,**k):
    show(PL[0],'before repair'); r=orp(*a,**k); show(PL[0],'after repair'); return r
PL=[None]
orr=m.run_round
def rr(place,*a):
    PL[0]=place
    show(place,'start'); m.audit,m.repair=au,rp
    orr(place,*a)
m.run_round=rr
if __name__=='__main__':
    with LocalRunner(2,quiet=True) as runner:
        t=m.run_rounds(root,runner,1,25,m.BOTH,int(sys.argv[1]))
    print(t.wrong)
