import { describe, expect, it } from 'vitest';
import { compareSequencers } from '../../../../functions/lib/contracts/object-event.ts';

describe('compareSequencers', () => {
  it('orders hex strings of the same length', () => {
    expect(compareSequencers('0055AED6DCD90281E5', '0055AED6DCD90281E6')).toBeLessThan(0);
  });

  it('pads the shorter one with zeros on the right', () => {
    expect(compareSequencers('0055', '00550000')).toBe(0);
    expect(compareSequencers('0056', '0055FFFF')).toBeGreaterThan(0);
  });

  it('does not mind the case of the digits', () => {
    expect(compareSequencers('00ab', '00AB')).toBe(0);
  });
});
