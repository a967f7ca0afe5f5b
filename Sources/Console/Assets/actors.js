// Who wrote an event, in words.
import { term } from './language.js';
import { bdi } from './dom.js';
import { organization, provinceName } from './directory.js';

/** Who wrote it: name, role and organisation; the origin where that is another place. */
export function actorView({ actor, origin }) {
  const office = organization(actor.organization);
  return [
    actor.role !== 'system' && [bdi(actor.name), ' · '],
    term('role', actor.role),
    ' · ',
    office ? office.name : actor.organization,
    office?.seat !== origin && [' · ', provinceName(origin)],
  ];
}
