import { describe, expect, it } from 'vitest';
import { readRights, withGeneratedParts, withUprightXmp, writeXmp } from '../../../../functions/lib/imaging/xmp.ts';

const upright = (text: string) => withUprightXmp(Buffer.from(text)).toString();

describe('withUprightXmp', () => {
  it('sets the orientation in place, as an attribute or as an element', () => {
    expect(upright('<a tiff:Orientation="6" b="6"/>')).toBe('<a tiff:Orientation="1" b="6"/>');
    expect(upright("<a tiff:Orientation = '8'/>")).toBe("<a tiff:Orientation = '1'/>");
    expect(upright('<tiff:Orientation> 3 </tiff:Orientation>')).toBe('<tiff:Orientation> 1 </tiff:Orientation>');
  });

  it('changes no other byte, not even of broken text', () => {
    const odd = Buffer.concat([Buffer.from([0xff, 0xfe, 0xc3, 0x28]), Buffer.from('schön tiff:Make="6"')]);

    expect(withUprightXmp(odd).equals(odd)).toBe(true);
  });
});

describe('withGeneratedParts', () => {
  const composite = 'http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia';
  const generated = (text: string) => withGeneratedParts(Buffer.from(text)).toString();

  it('puts the statement behind what a packet says already', () => {
    const packet = '<rdf:RDF><rdf:Description rdf:about="" dc:format="schön"/></rdf:RDF>';

    expect(generated(packet)).toBe(
      `<rdf:RDF><rdf:Description rdf:about="" dc:format="schön"/><rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"><Iptc4xmpExt:DigitalSourceType>${composite}</Iptc4xmpExt:DigitalSourceType></rdf:Description></rdf:RDF>`,
    );
  });

  it('takes the place of another statement, as an attribute or as an element', () => {
    const camera = 'http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture';
    expect(generated(`<a Iptc4xmpExt:DigitalSourceType="${camera}" b="1"/></rdf:RDF>`)).toBe(
      `<a Iptc4xmpExt:DigitalSourceType="${composite}" b="1"/></rdf:RDF>`,
    );
    expect(generated(`<Iptc4xmpExt:DigitalSourceType>${camera}</Iptc4xmpExt:DigitalSourceType></rdf:RDF>`)).toBe(
      `<Iptc4xmpExt:DigitalSourceType>${composite}</Iptc4xmpExt:DigitalSourceType></rdf:RDF>`,
    );
  });

  it('changes no packet that it cannot read', () => {
    const odd = Buffer.from('<rdf:RDF></rdf:RDF>', 'utf16le');
    expect(withGeneratedParts(odd).equals(odd)).toBe(true);
  });
});

describe('readRights', () => {
  it('reads arrays, elements and attributes', () => {
    const packet = `<rdf:Description photoshop:DateCreated="2024-05-06" dc:description='A &lt;harbour&gt;'>
      <dc:creator><rdf:Seq><rdf:li>Ada</rdf:li><rdf:li>Bob</rdf:li></rdf:Seq></dc:creator>
      <dc:rights>All mine</dc:rights></rdf:Description>`;

    expect(readRights(Buffer.from(packet))).toEqual({
      rights: ['All mine'],
      creator: ['Ada', 'Bob'],
      description: ['A &lt;harbour&gt;'],
      dateCreated: '2024-05-06',
    });
  });

  it('reads nothing where markup is where text should be', () => {
    const packet = '<dc:rights><script>alert(1)</script></dc:rights>';

    expect(readRights(Buffer.from(packet)).rights).toEqual([]);
  });
});

describe('writeXmp', () => {
  it('writes nothing where there is nothing to say', () => {
    expect(writeXmp({ rights: [], creator: [], description: [] }, undefined)).toBeUndefined();
  });

  it('escapes a name that is markup', () => {
    expect(writeXmp(undefined, 'a<b>&c')?.toString()).toContain('<xmp:CreatorTool>a&lt;b&gt;&amp;c</xmp:CreatorTool>');
  });
});
