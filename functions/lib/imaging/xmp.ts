const composite = 'http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia';
const extension = 'http://iptc.org/std/Iptc4xmpExt/2008-02-29/';

/** What `--metadata copyright` lets through. Texts are XML as they stood in the source, entities included. */
export interface XmpRights {
  rights: string[];
  creator: string[];
  description: string[];
  dateCreated?: string;
}

/** The packet with its orientation set to 1 in place: no other byte changes. */
export function withUprightXmp(packet: Buffer): Buffer {
  // One latin1 character is one byte, so whatever the packet's text is, it comes out as it went in.
  const text = packet.toString('latin1');
  const upright = text
    .replace(/(tiff:Orientation\s*=\s*["'])[1-8](["'])/g, '$11$2')
    .replace(/(<tiff:Orientation[^>]*>\s*)[1-8](\s*<)/g, '$11$2');
  return Buffer.from(upright, 'latin1');
}

/**
 * The packet with a statement that parts of the picture were generated: what it says of its origin is replaced, or a
 * description that says it put behind the others. A packet in UTF-16 stays as it is.
 */
export function withGeneratedParts(packet: Buffer): Buffer {
  const text = packet.toString('latin1');
  const stated = text
    .replace(/(\w+:DigitalSourceType\s*=\s*["'])[^"']*(["'])/, `$1${composite}$2`)
    .replace(/(<\w+:DigitalSourceType>)[^<]*(<)/, `$1${composite}$2`);
  if (/\w:DigitalSourceType[\s=>]/.test(text)) return Buffer.from(stated, 'latin1');
  const property = element('Iptc4xmpExt:DigitalSourceType', composite);
  const description = `<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="${extension}">${property}</rdf:Description>`;
  return Buffer.from(text.replace('</rdf:RDF>', `${description}</rdf:RDF>`), 'latin1');
}

/** Copyright, creator, description and date of a packet, by the prefixes that XMP writers use. */
export function readRights(packet: Buffer): XmpRights {
  const text = packet.toString('utf8');
  return {
    rights: itemsOf(text, 'dc:rights'),
    creator: itemsOf(text, 'dc:creator'),
    description: itemsOf(text, 'dc:description'),
    dateCreated: itemsOf(text, 'photoshop:DateCreated')[0] ?? itemsOf(text, 'xmp:CreateDate')[0],
  };
}

/** A property's texts, written as an attribute, as an element, or as the items of an array. */
function itemsOf(text: string, property: string): string[] {
  const attribute = new RegExp(`\\s${property}\\s*=\\s*(?:"([^"<]*)"|'([^'<]*)')`).exec(text);
  if (attribute) return [attribute[1] ?? attribute[2] ?? ''].filter((item) => item.trim() !== '');
  const body = new RegExp(`<${property}(?:\\s[^>]*)?>([\\s\\S]*?)</${property}>`).exec(text)?.[1] ?? '';
  const items = [...body.matchAll(/<rdf:li(?:\s[^>]*)?>([^<]*)<\/rdf:li>/g)].map((match) => match[1] ?? '');
  return (items.length > 0 ? items : [body]).filter((item) => item.trim() !== '' && !item.includes('<'));
}

/**
 * A small packet, the same bytes for the same input: no clock, no random identifier.
 * @param processedBy name and version of what changed the pixels; left out where nothing did
 * @returns undefined where there is nothing to say
 */
export function writeXmp(rights: XmpRights | undefined, processedBy: string | undefined): Buffer | undefined {
  const properties = [
    array('dc:rights', 'Alt', rights?.rights),
    array('dc:creator', 'Seq', rights?.creator),
    array('dc:description', 'Alt', rights?.description),
    element('photoshop:DateCreated', rights?.dateCreated),
    element('xmp:CreatorTool', processedBy && escaped(processedBy)),
    element('Iptc4xmpExt:DigitalSourceType', processedBy && composite),
  ].filter((property) => property !== '');
  if (properties.length === 0) return undefined;
  return Buffer.from(
    `<?xpacket begin="\uFEFF" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:Iptc4xmpExt="${extension}">
   ${properties.join('\n   ')}
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>`,
  );
}

function array(property: string, kind: 'Alt' | 'Seq', items: string[] = []): string {
  if (items.length === 0) return '';
  // An alternative's first item is the default language's; the others' languages are not known here.
  const shown = kind === 'Alt' ? items.slice(0, 1) : items;
  const language = kind === 'Alt' ? ' xml:lang="x-default"' : '';
  const list = shown.map((item) => `<rdf:li${language}>${item}</rdf:li>`).join('');
  return `<${property}><rdf:${kind}>${list}</rdf:${kind}></${property}>`;
}

function element(property: string, text: string | undefined): string {
  return text ? `<${property}>${text}</${property}>` : '';
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
