/* Templates that are wrong, templates that ask for too much, and the library of all templates. */
#include "render/read_back.h"
#include "render_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>

/* ---- Errors ---- */

#define FILE_OF(content)                                                                                     \
    "<template vendor='v'>\n<model name='m' lines='2'/>\n<map name='map'/>\n<file name='{mac}.cfg' "         \
    "syntax='plain'>\n" content "</file></template>"
#define XML_OF(content)                                                                                      \
    "<template vendor='v'>\n<model name='m' lines='2'/>\n<map name='map'/>\n<file name='{mac}.cfg' "         \
    "syntax='xml-element'>\n" content "</file></template>"
#define VALUE_OF(expression) FILE_OF("<set key='k' value=\"" expression "\"/>")
#define FORM_OF(forms)                                                                                       \
    "<template vendor='v'>\n<model name='m' lines='2'/>\n<map name='map'/>\n<file name='{mac}.cfg' "         \
    "syntax='xml-entry'>\n" forms "<element name='r'/></file></template>"
#define PARTS(parts) "<template vendor='v'>\n<model name='m' lines='2' hw='a/b'/>\n" parts "</template>"

/* What the schema says: it must refuse what it can know, and never what the compiler takes. */
enum in_schema { REFUSES, CANNOT_KNOW, NO_DOCUMENT };

static const struct broken {
    const char *text, *sentence;
    enum in_schema in_schema;
} all_broken[] = {
    /* no document */
    {"", "test.xml:1: Document is empty", NO_DOCUMENT},
    {"x", "test.xml:1: ", NO_DOCUMENT},
    {"<template vendor='v'>\n<model", "test.xml:2: ", NO_DOCUMENT},
    {"<template vendor='v'>\n</x>", "test.xml:2: ", NO_DOCUMENT},
    {"<template vendor='v'>\n&x;</template>", "test.xml:2: ", NO_DOCUMENT},
    {"<template vendor='v' vendor='w'/>", "test.xml:1: ", NO_DOCUMENT},
    {"<template vendor='v'><x:model/></template>", "test.xml:1: ", NO_DOCUMENT},
    {"<template vendor='\xff'/>", "test.xml:1: ", NO_DOCUMENT},
    {"<!DOCTYPE template>\n<template vendor='v'/>", "test.xml:1: a DOCTYPE is not taken", NO_DOCUMENT},
    {"<!DOCTYPE template SYSTEM 'file:///etc/passwd'>\n<template vendor='v'/>",
     "test.xml:1: a DOCTYPE is not taken", NO_DOCUMENT},
    {"<!DOCTYPE t [<!ENTITY a 'x'><!ENTITY b '&a;&a;'>]>\n<template vendor='v' title='&b;'/>",
     "test.xml:1: a DOCTYPE is not taken", NO_DOCUMENT},
    /* the template */
    {"<x/>", "test.xml:1: the outermost element is not template but: \"x\"", REFUSES},
    {"<template xmlns='urn:x' vendor='v'/>", "test.xml:1: a template is in no namespace", REFUSES},
    {"<template/>", "test.xml:1: an attribute is missing: \"vendor\"", REFUSES},
    {"<template vendor=''/>", "test.xml:1: a vendor is a word", REFUSES},
    {"<template vendor='A'/>", "test.xml:1: a vendor is a word", REFUSES},
    {"<template vendor='v' x='1'/>", "test.xml:1: unknown attribute \"x\" of \"template\"", REFUSES},
    {"<template vendor='v' absent-key='maybe'/>", "test.xml:1: unknown absent-key \"maybe\"", REFUSES},
    {"<template vendor='v' mac='00:15:65 x'/>", "test.xml:1: mac takes the first three octets of MACs",
     REFUSES},
    {"<template vendor='v' mac='00:15:65:aa'/>", "test.xml:1: mac takes the first three octets", REFUSES},
    {"<template vendor='v' mac='00:0B:82'/>", "test.xml:1: mac takes the first three octets", REFUSES},
    {"<template vendor='v'>text</template>", "test.xml:1: text stands in \"template\"", REFUSES},
    {PARTS("<x/>"), "test.xml:3: unknown element: \"x\"", REFUSES},
    {PARTS("<x:file xmlns:x='u' name='{mac}' syntax='plain'/>"), "test.xml:3: unknown element: \"file\"",
     REFUSES},
    /* models */
    {PARTS("<model lines='1'/>"), "test.xml:3: an attribute is missing: \"name\"", REFUSES},
    {PARTS("<model name='n'/>"), "test.xml:3: an attribute is missing: \"lines\"", REFUSES},
    {PARTS("<model name='n' lines='x'/>"), "test.xml:3: lines is a number from 0 to 1000, not \"x\"",
     REFUSES},
    {PARTS("<model name='n' lines='-1'/>"), "test.xml:3: lines is a number", REFUSES},
    {PARTS("<model name='n' lines='1001'/>"), "test.xml:3: lines is a number", REFUSES},
    {PARTS("<model name='n' lines='99999999999999999999'/>"), "test.xml:3: lines is a number", REFUSES},
    {PARTS("<model name='n' lines='1' modules='17'/>"), "test.xml:3: modules is a number from 0 to 16",
     REFUSES},
    {PARTS("<model name='a b' lines='1'/>"), "test.xml:3: model name", REFUSES},
    {PARTS("<model name='..' lines='1'/>"), "test.xml:3: model name", CANNOT_KNOW},
    {PARTS("<model name='m' lines='1'/>"), "test.xml:3: this model is there twice: \"m\"", CANNOT_KNOW},
    {PARTS("<model name='n' lines='1' xml:lang='en'/>"), "test.xml:3: an attribute has a prefix", REFUSES},
    {PARTS("<model name='n' lines='1'><x/></model>"), "test.xml:3: \"model\" holds no elements", REFUSES},
    /* maps and blocks */
    {PARTS("<map/>"), "test.xml:3: an attribute is missing: \"name\"", REFUSES},
    {PARTS("<map name='a b'/>"), "test.xml:3: a map's name is a word", REFUSES},
    {PARTS("<map name='a'/>\n<map name='a'/>"), "test.xml:4: this map is there twice", CANNOT_KNOW},
    {PARTS("<map name='a'><x/></map>"), "test.xml:3: unknown element in a map: \"x\"", REFUSES},
    {PARTS("<map name='a'><entry from='a'/></map>"), "test.xml:3: an attribute is missing: \"to\"", REFUSES},
    {PARTS("<map name='a'><entry from='a' to='b' x='c'/></map>"), "test.xml:3: unknown attribute \"x\"",
     REFUSES},
    {PARTS("<map name='a'>text</map>"), "test.xml:3: text stands in \"map\"", REFUSES},
    {PARTS("<block/>"), "test.xml:3: a block's name", REFUSES},
    {PARTS("<block name='b' when='x'/>"), "test.xml:3: unknown attribute \"when\"", REFUSES},
    {PARTS("<block name='b'/>\n<block name='b'/>"), "test.xml:4: this block is there twice", CANNOT_KNOW},
    /* files */
    {PARTS("<file syntax='plain'/>"), "test.xml:3: an attribute is missing: \"name\"", REFUSES},
    {PARTS("<file name='{mac}'/>"), "test.xml:3: an attribute is missing: \"syntax\"", REFUSES},
    {PARTS("<file name='{mac}' syntax='yaml'/>"), "test.xml:3: unknown syntax: \"yaml\"", REFUSES},
    {PARTS("<file name='{mac}' syntax='plain' x='1'/>"), "test.xml:3: unknown attribute \"x\" of \"file\"",
     REFUSES},
    {PARTS("<file name='{mac}' syntax='plain' main='true'/>"), "test.xml:3: neither yes nor no: \"true\"",
     REFUSES},
    {PARTS("<file name='{mac}' syntax='plain' per='phone'/>"), "test.xml:3: unknown per \"phone\"", REFUSES},
    {PARTS("<file name='{mac}' syntax='plain' eol='cr'/>"), "test.xml:3: unknown eol \"cr\"", REFUSES},
    {PARTS("<file name='{mac}' syntax='plain' encoding='utf-16'/>"), "test.xml:3: unknown encoding", REFUSES},
    {PARTS("<file name='{mac}' syntax='plain' refuse='newlines'/>"),
     "test.xml:3: refuse takes newline, edge-blank, non-ascii, not: \"newlines\"", REFUSES},
    {PARTS("<file name='{mac}' syntax='plain' max-size='0'/>"),
     "test.xml:3: max-size is a number from 1 to 1048576", REFUSES},
    {PARTS("<file name='{mac}' syntax='plain' max-size='1048577'/>"), "test.xml:3: max-size is a number",
     REFUSES},
    {PARTS("<file name='{mac}' syntax='plain' max-value='0'/>"),
     "test.xml:3: max-value is a number from 1 to", REFUSES},
    {PARTS("<file name='{mac}' syntax='plain' refuse-characters='#'><set key='a' value='b#'/></file>"),
     "test.xml:3: the value has a \"#\"", CANNOT_KNOW},
    {PARTS("<file name='{mac}' syntax='plain' max-value='2'><set key='a' value='abc'/></file>"),
     "test.xml:3: the value is longer than 2 bytes", CANNOT_KNOW},
    {PARTS("<file name='{mac}' syntax='plain' between=''/>"),
     "test.xml:3: this attribute is printable ASCII, and not empty: \"between\"", REFUSES},
    {PARTS("<file name='{mac}' syntax='plain' before='\xc3\xa4'/>"),
     "test.xml:3: this attribute is printable", REFUSES},
    {PARTS("<file name='{mac}' syntax='plain' between=' \"'/>"), "test.xml:3: between has no double quote",
     CANNOT_KNOW},
    {PARTS("<file name='{mac}' syntax='plain' comment=' '/>"), "test.xml:3: comment, section-begin and",
     CANNOT_KNOW},
    {PARTS("<file name='{mac}' syntax='plain' before='# '/>"),
     "test.xml:3: a line that begins so is a comment", CANNOT_KNOW},
    {PARTS("<file name='{mac}' syntax='plain' comment='SET' before='SET '/>"),
     "test.xml:3: a line that begins so is a comment", CANNOT_KNOW},
    {PARTS("<file name='{mac}' syntax='plain' section-begin='&lt;'/>"),
     "test.xml:3: section-begin and section-end go together", REFUSES},
    {PARTS("<file name='{mac}' syntax='enclosed' enclose-if='#'/>"),
     "test.xml:3: this syntax encloses each value", CANNOT_KNOW},
    {PARTS("<file name='{mac}' syntax='xml-element' comment='#'/>"),
     "test.xml:3: this attribute is for files of lines: \"comment\"", CANNOT_KNOW},
    {PARTS("<file name='{mac}' syntax='plain' empty='a&#10;b=c'/>"),
     "test.xml:3: this syntax cannot write empty", CANNOT_KNOW},
    {PARTS("<file name='a' digest-of='b'/>"),
     "test.xml:3: no file that stands before this one has the name: \"b\"", CANNOT_KNOW},
    {PARTS("<file name='a' digest-of='a' digest='md5'/>"), "test.xml:3: no file that stands before",
     CANNOT_KNOW},
    {PARTS("<file name='a' per='model' syntax='plain'/><file name='b' digest-of='a' digest='crc'/>"),
     "test.xml:3: unknown digest \"crc\"", REFUSES},
    {PARTS("<file name='a' per='model' syntax='plain'/><file name='b' digest-of='a' syntax='plain'/>"),
     "test.xml:3: unknown attribute \"syntax\"", REFUSES},
    {PARTS("<file name='a' per='model' syntax='plain'/><file name='b' digest-of='a'><set key='k' "
           "value=''/></file>"),
     "test.xml:3: a checksum has no content: \"set\"", REFUSES},
    {PARTS("<file name='a' per='model' syntax='plain'/><file name='b' digest-of='a'/><file name='c' "
           "digest-of='b'/>"),
     "test.xml:3: no file that stands before", CANNOT_KNOW},
    {PARTS("<model name='o' lines='1'/><file name='a' per='model' models='o' syntax='plain'/><file name='b' "
           "digest-of='a'/>"),
     "test.xml:3: this model has not the file that it is the checksum of: \"m\"", CANNOT_KNOW},
    {PARTS("<file name='a' syntax='plain' per='model' main='yes'/>"), "test.xml:3: a main file is per device",
     CANNOT_KNOW},
    {PARTS("<file name='a.cfg' syntax='plain'/>"), "test.xml:3: a file per device needs {mac} in its name",
     CANNOT_KNOW},
    {PARTS("<file name='{mac}' per='model' syntax='plain'/>"),
     "test.xml:3: a file that is common to devices has no {mac}", CANNOT_KNOW},
    {PARTS("<file name='a//{mac}' syntax='plain'/>"),
     "test.xml:3: file name \"a//{mac}\" has a '/' with no name on one side", CANNOT_KNOW},
    {PARTS("<file name='control/{mac}' syntax='plain'/>"),
     "test.xml:3: file name \"control/{mac}\": control is the mount's own folder", CANNOT_KNOW},
    {PARTS("<file name='{mak}' syntax='plain'/>"), "test.xml:3: file name \"{mak}\" has the unknown field",
     CANNOT_KNOW},
    {PARTS("<file name='{mac' syntax='plain'/>"), "test.xml:3: file name", CANNOT_KNOW},
    {PARTS("<file name='{model.hw' syntax='plain'/>"), "test.xml:3: a \"{\" is not closed", CANNOT_KNOW},
    {PARTS("<file name='{model.x}{mac}' syntax='plain'/>"), "test.xml:3: the model m has no attribute \"x\"",
     CANNOT_KNOW},
    {PARTS("<file name='{model.hw}/../{mac}' syntax='plain'/>"),
     "test.xml:3: file name \"a/b/../{mac}\": \"..\" is a folder's own", CANNOT_KNOW},
    {PARTS("<file name='..' per='model' syntax='plain'/>"), "test.xml:3: file name", CANNOT_KNOW},
    {PARTS("<file name='{mac} x' syntax='plain'/>"), "test.xml:3: a file's name has a blank", REFUSES},
    {PARTS("<file name='{mac}' models='x*' syntax='plain'/>"), "test.xml:3: models: no model is \"x*\"",
     CANNOT_KNOW},
    {PARTS(
         "<file name='{mac}' syntax='plain' main='yes'/>\n<file name='{mac}.x' syntax='plain' main='yes'/>"),
     "test.xml:4: a second main file of one model: \"m\"", CANNOT_KNOW},
    {PARTS("<file name='{mac}.X' syntax='plain'/>\n<file name='{MAC-}.x' syntax='plain'/>"),
     "test.xml:4: another file of this model has that name", CANNOT_KNOW},
    {PARTS("<file name='{mac}.a' syntax='plain'/>\n<file name='{mac}.b' syntax='plain'><alias "
           "name='{mac}.a'/></file>"),
     "test.xml:4: another file of this model has that name", CANNOT_KNOW},
    {PARTS("<file name='p/{mac}' syntax='plain'/>\n<file name='P/{MAC}/x' syntax='plain'/>"),
     "test.xml:4: another file of this model has that name, or a folder of it", CANNOT_KNOW},
    {PARTS("<file name='p/{mac}/x' syntax='plain'/>\n<file name='{mac}' syntax='plain'><alias "
           "name='p/{mac}'/></file>"),
     "test.xml:4: another file of this model has that name, or a folder of it", CANNOT_KNOW},
    {PARTS("<file name='{mac}' syntax='plain'><alias/></file>"),
     "test.xml:3: an attribute is missing: \"name\"", REFUSES},
    {PARTS("<file name='{mac}' syntax='plain'><alias name='a'/></file>"),
     "test.xml:3: a file per device needs {mac}", CANNOT_KNOW},
    {PARTS("<file name='{mac}' syntax='plain'><alias name='{mac}.a' x='1'/></file>"),
     "test.xml:3: unknown attribute", REFUSES},
    {PARTS("<absent/>"), "test.xml:3: an attribute is missing: \"name\"", REFUSES},
    {PARTS("<absent name='a/'/>"), "test.xml:3: file name", CANNOT_KNOW},
    {PARTS("<absent name='a' models='n'/>"), "test.xml:3: models: no model is \"n\"", CANNOT_KNOW},
    {PARTS("<absent name='a'>x</absent>"), "test.xml:3: text stands in \"absent\"", REFUSES},
    /* content */
    {FILE_OF("<x/>"), "test.xml:5: unknown element: \"x\"", REFUSES},
    {FILE_OF("text"), "text stands outside a text element", REFUSES},
    {FILE_OF("<set value='x'/>"), "test.xml:5: an attribute is missing: \"key\"", REFUSES},
    {FILE_OF("<set key='x'/>"), "test.xml:5: an attribute is missing: \"value\"", REFUSES},
    {FILE_OF("<set key='x' value='' x=''/>"), "test.xml:5: unknown attribute \"x\" of \"set\"", REFUSES},
    {FILE_OF("<set key='x' value='' max='0'/>"), "test.xml:5: not a number from 1 to 65536", REFUSES},
    {FILE_OF("<set key='x' value='' max='65537'/>"), "test.xml:5: not a number from 1 to 65536", REFUSES},
    {FILE_OF("<set key='a=b' value=''/>"), "test.xml:5: \"a=b\" cannot be a key", CANNOT_KNOW},
    {FILE_OF("<set key='{model.name}=b' value=''/>"), "test.xml:5: \"a=b\" cannot be a key", CANNOT_KNOW},
    {FILE_OF("<set key='' value=''/>"), "test.xml:5: \"\" cannot be a key", CANNOT_KNOW},
    {FILE_OF("<set key='a' value=' x'/>"), "test.xml:5: the value begins or ends with a blank", CANNOT_KNOW},
    {FILE_OF("<set key='a' value='&#9;{model.name}'/>"), "test.xml:5: the value has the control character",
     CANNOT_KNOW},
    {PARTS("<file name='{mac}' syntax='enclosed'><set key='a' value='\"'/></file>"),
     "test.xml:3: the value has a double quote", CANNOT_KNOW},
    {PARTS("<file name='{mac}' syntax='ini'><section name='a]'/></file>"), "test.xml:3: a section's name is",
     CANNOT_KNOW},
    {XML_OF("<element name='a b'/>"), "test.xml:5: \"a b\" cannot be a name in XML", CANNOT_KNOW},
    {XML_OF("<element name='1{model.name}'/>"), "test.xml:5: \"1a\" cannot be a name in XML", CANNOT_KNOW},
    {XML_OF("<element name='a'><attribute name='' value=''/></element>"),
     "test.xml:5: \"\" cannot be a name in XML", CANNOT_KNOW},
    {XML_OF("<element name='a'><attribute name='b' value='&#127;{model.name}&#xffff;'/></element>"),
     "test.xml:5: ", NO_DOCUMENT},
    {XML_OF("<element name='r'><set key='a/b' value=''/></element>"), "test.xml:5: \"a/b\" cannot be a key",
     CANNOT_KNOW},
    {FILE_OF("<set key='x' value='' empty='a&#10;b'/>"), "test.xml:5: empty has a line break", CANNOT_KNOW},
    {FILE_OF("<set key='x' value='' attr='a=b'/>"), "test.xml:5: attr is name=", CANNOT_KNOW},
    {FILE_OF("<set key='x' value=''>x</set>"), "test.xml:5: a set has nothing inside", REFUSES},
    {FILE_OF("<set key='x' value=''><set key='x' value=''/></set>"), "test.xml:5: a set has nothing inside",
     REFUSES},
    {FILE_OF("<set key='x' value=''><attribute name='a' value=''/></set>"),
     "test.xml:5: a set has nothing inside, but attributes where it is an element", CANNOT_KNOW},
    {XML_OF("<set key='x@a=1' value=''><attribute name='a' value=''/></set>"),
     "test.xml:5: the element has the attribute \"a\" already", CANNOT_KNOW},
    {XML_OF("<set key='x' attr='a=1' value=''><attribute name='a' value=''/></set>"),
     "test.xml:5: the element has the attribute already: \"a\"", CANNOT_KNOW},
    {XML_OF("<set key='x' value=''><attribute name='{model.name}' value=''/></set>"),
     "test.xml:5: the name of a set's attribute has no expressions", CANNOT_KNOW},
    {XML_OF("<set key='x' value=''><attribute name='a' value='' when='1'/></set>"),
     "test.xml:5: unknown attribute \"when\"", REFUSES},
    {XML_OF("<set key='x' value='' attr='ab'/>"), "test.xml:5: attr is name=", CANNOT_KNOW},
    {XML_OF("<set key='x' value='' attr='a=\"'/>"), "test.xml:5: attr is name=", CANNOT_KNOW},
    {XML_OF("<set key='x' value='' attr='1=b'/>"), "test.xml:5: attr is name=", CANNOT_KNOW},
    {XML_OF("<set key='x' value='' attr='a=b&#9;c'/>"), "test.xml:5: attr is name=", CANNOT_KNOW},
    {XML_OF("<set key='x' value='' attr='a=\"b\" a=\"c\"'/>"), "test.xml:5: attr is name=", CANNOT_KNOW},
    {XML_OF("<set key='x' value='' attr='a=\"b\"c=\"d\"'/>"), "test.xml:5: attr is name=", CANNOT_KNOW},
    {XML_OF("<set key='x' value='' attr='a=b c=d'/>"), "test.xml:5: attr is name=", CANNOT_KNOW},
    {XML_OF("<set key='x' value='' attr=''/>"), "test.xml:5: attr is name=", CANNOT_KNOW},
    {XML_OF("<set key='x@a={model.name}' value='' attr='a=b'/>"),
     "test.xml:5: the element has the attribute \"a\" already", CANNOT_KNOW},
    {XML_OF("<set key='x@a' value=''/>"), "test.xml:5: \"x@a\" cannot be a key", CANNOT_KNOW},
    {XML_OF("<set key='x:y:z' value=''/>"), "test.xml:5: \"x:y:z\" cannot be a key", CANNOT_KNOW},
    {XML_OF("<element name='x:'/>"), "test.xml:5: \"x:\" cannot be a name in XML", CANNOT_KNOW},
    {PARTS("<file name='{mac}' syntax='xml-tree'><element name='r'><overrides/></element></file>"),
     "test.xml:3: in xml-tree a key is added to the element that it names", CANNOT_KNOW},
    {PARTS(
         "<file name='{mac}' syntax='xml-tree'><element name='r'><set key='a/b' value=''/></element></file>"),
     "test.xml:3: \"a/b\" cannot be a key", CANNOT_KNOW},
    {FILE_OF("<pair><a k='KEY'>VALUE</a></pair>"), "test.xml:5: this element is for xml-entry: \"pair\"",
     CANNOT_KNOW},
    {XML_OF("<group><a n='SECTION'><content/></a></group>"), "test.xml:5: this element is for xml-entry",
     CANNOT_KNOW},
    {FORM_OF("<pair><a k='KEY'>VALUE</a></pair>\n<pair><a k='KEY'>VALUE</a></pair>"),
     "test.xml:6: this element stands once in a file: \"pair\"", CANNOT_KNOW},
    {FORM_OF("<pair/>"), "test.xml:5: a word is missing in this element: \"KEY and VALUE\"", CANNOT_KNOW},
    {FORM_OF("<pair><a k='KEY'/></pair>"), "test.xml:5: a word is missing", CANNOT_KNOW},
    {FORM_OF("<pair><a>VALUE</a></pair>"), "test.xml:5: a word is missing", CANNOT_KNOW},
    {FORM_OF("<pair><a k='KEY' l='KEY'>VALUE</a></pair>"),
     "test.xml:5: KEY, VALUE, SECTION and content stand once", CANNOT_KNOW},
    {FORM_OF("<pair x='1'><a k='KEY'>VALUE</a></pair>"), "test.xml:5: unknown attribute \"x\"", REFUSES},
    {FORM_OF("<pair>KEY<a>VALUE</a></pair>"), "test.xml:5: text stands in \"pair\"", REFUSES},
    {FORM_OF("<pair><a xmlns='u' k='KEY'>VALUE</a></pair>"),
     "test.xml:5: an element here is in no default namespace: \"a\"", CANNOT_KNOW},
    {FORM_OF("<group><a n='SECTION'/></group>"),
     "test.xml:5: a word is missing in this element: \"SECTION and <content/>\"", CANNOT_KNOW},
    {FORM_OF("<group><a n='SECTION'><content/><content/></a></group>"), "test.xml:5: KEY, VALUE, SECTION and",
     CANNOT_KNOW},
    {FORM_OF("<group><a n='SECTION'><content>x</content></a></group>"), "test.xml:5: this element is empty",
     CANNOT_KNOW},
    {FORM_OF("<element name='x'><pair><a k='KEY'>VALUE</a></pair></element>"),
     "test.xml:5: unknown element: \"pair\"", REFUSES},
    {FILE_OF("<text x=''/>"), "test.xml:5: unknown attribute", REFUSES},
    {FILE_OF("<text><set key='a' value=''/></text>"), "test.xml:5: text holds no elements", REFUSES},
    {FILE_OF("<text>a&#13;b</text>"), "test.xml:5: the text has a line break", CANNOT_KNOW},
    {FILE_OF("<text>{x</text>"), "test.xml:5: a \"{\" is not closed", CANNOT_KNOW},
    {FILE_OF("<comment>a\nb</comment>"), "test.xml:5: a comment is one line", CANNOT_KNOW},
    {FILE_OF("<comment><x/></comment>"), "test.xml:5: a comment holds no elements", REFUSES},
    {XML_OF("<comment>a--b</comment>"), "test.xml:5: a comment is one line, without \"--\"", CANNOT_KNOW},
    {PARTS("<file name='{mac}' syntax='plain' encoding='iso-8859-1'><comment>\xe2\x82\xac</comment></file>"),
     "test.xml:3: a comment has a character", CANNOT_KNOW},
    {PARTS("<file name='{mac}' syntax='plain' encoding='iso-8859-1'><text>\xe2\x82\xac</text></file>"),
     "test.xml:3: the text has the character U+20AC", CANNOT_KNOW},
    {FILE_OF("<element name='x'/>"), "test.xml:5: this file's syntax has no such thing: \"element\"",
     CANNOT_KNOW},
    {FILE_OF("<section name='x'/>"), "test.xml:5: this file's syntax has no such thing: \"section\"",
     CANNOT_KNOW},
    {XML_OF("<section name='x'/>"), "test.xml:5: this file's syntax has no such thing: \"section\"",
     CANNOT_KNOW},
    {XML_OF("<element/>"), "test.xml:5: an attribute is missing: \"name\"", REFUSES},
    {XML_OF("<attribute name='a' value='b'/>"), "test.xml:5: an attribute stands in an element", REFUSES},
    {XML_OF("<element name='e'><set key='k' value=''/><attribute name='a' value='b'/></element>"),
     "test.xml:5: an attribute comes first", REFUSES},
    {XML_OF("<element name='e'><if when='x'><attribute name='a' value='b'/></if></element>"),
     "test.xml:5: an attribute stands in an element", REFUSES},
    {XML_OF("<element name='e'><attribute name='a'/></element>"),
     "test.xml:5: an attribute is missing: \"value\"", REFUSES},
    {FILE_OF("<lines which='all'/>"), "test.xml:5: which is assigned or unused, not: \"all\"", REFUSES},
    {FILE_OF("<lines max='x'/>"), "test.xml:5: not a number", REFUSES},
    {FILE_OF("<each name='c'/>"), "test.xml:5: each needs either in or of", REFUSES},
    {FILE_OF("<each name='c' in='a' of='audio.codecs'/>"), "test.xml:5: each needs either in or of", REFUSES},
    {FILE_OF("<each in='a'/>"), "test.xml:5: a loop needs a variable", REFUSES},
    {FILE_OF("<each name='a.b' in='a'/>"), "test.xml:5: a loop needs a variable", REFUSES},
    {FILE_OF("<each name='1' in='a'/>"), "test.xml:5: a loop needs a variable", REFUSES},
    {FILE_OF("<each name='c' of='sip.sever'/>"),
     "test.xml:5: no such setting: sip.sever (did you mean sip.server?)", CANNOT_KNOW},
    {FILE_OF("<each name='c' of=''/>"), "test.xml:5: an expression names nothing", REFUSES},
    {FILE_OF("<each name='c' of='v:x[c]'/>"), "test.xml:5: ", CANNOT_KNOW},
    {FILE_OF("<each name='k' in='1'><each name='c' of='v:x.[k]'/></each>"), "test.xml:5: ", CANNOT_KNOW},
    {FILE_OF("<count name='c' from='1'/>"), "test.xml:5: an attribute is missing: \"to\"", REFUSES},
    {FILE_OF("<count from='1' to='2'/>"), "test.xml:5: a loop needs a variable", REFUSES},
    {FILE_OF("<table by='sip.server'/>"), "test.xml:5: a table needs a name", REFUSES},
    {FILE_OF("<table name='t'/>"), "test.xml:5: a table needs a name", REFUSES},
    {FILE_OF("<table name='t' by='x'/>"), "test.xml:5: no such setting", CANNOT_KNOW},
    {FILE_OF("<table name='t' by='sip.server' max='0'/>"), "test.xml:5: not a number", REFUSES},
    {FILE_OF("<table name='t' by='sip.server'/>\n<table name='t' by='sip.port'/>"),
     "test.xml:6: this table is there twice", CANNOT_KNOW},
    {FILE_OF("<rows of='t'/><table name='t' by='sip.server'/>"),
     "test.xml:5: there is no table of that name before this: \"t\"", CANNOT_KNOW},
    {FILE_OF("<rows/>"), "test.xml:5: there is no table", REFUSES},
    {FILE_OF("<if/>"), "test.xml:5: if needs when or unless", REFUSES},
    {FILE_OF("<if when='{x}'/>"), "test.xml:5: no such setting: x", CANNOT_KNOW},
    {FILE_OF("<use block='b'/>"), "test.xml:5: there is no block of that name: \"b\"", CANNOT_KNOW},
    {FILE_OF("<use/>"), "test.xml:5: there is no block of that name", REFUSES},
    {FILE_OF("<overrides x=''/>"), "test.xml:5: unknown attribute", REFUSES},
    {FILE_OF("<overrides>x</overrides>"), "test.xml:5: text stands in \"overrides\"", REFUSES},
    {FILE_OF("<lines><alias name='{mac}.a'/></lines>"), "test.xml:5: unknown element: \"alias\"", REFUSES},
    /* expressions */
    {VALUE_OF("{sip.sever}"), "test.xml:5: no such setting: sip.sever (did you mean sip.server?)",
     CANNOT_KNOW},
    {VALUE_OF("{}"), "test.xml:5: an expression names nothing", CANNOT_KNOW},
    {VALUE_OF("{ | upper}"), "test.xml:5: an expression names nothing", CANNOT_KNOW},
    {VALUE_OF("{sip.server"), "test.xml:5: a \"{\" is not closed", CANNOT_KNOW},
    {VALUE_OF("{'x}"), "test.xml:5: a \"{\" is not closed", CANNOT_KNOW},
    {VALUE_OF("}"), "test.xml:5: a \"}\" without \"{\"", CANNOT_KNOW},
    {VALUE_OF("{sip.server upper}"), "test.xml:5: a \"|\" is missing before \"upper\"", CANNOT_KNOW},
    {VALUE_OF("{sip.server|uper}"), "test.xml:5: there is no filter \"uper\"", CANNOT_KNOW},
    {VALUE_OF("{sip.server|}"), "test.xml:5: there is no filter \"\"", CANNOT_KNOW},
    {VALUE_OF("{sip.server|map x}"), "test.xml:5: there is no map \"x\"", CANNOT_KNOW},
    {VALUE_OF("{sip.server|map}"), "test.xml:5: there is no map \"\"", CANNOT_KNOW},
    {VALUE_OF("{sip.server|map map 'x'}"), "test.xml:5: \"map\" has the wrong number of arguments: 1",
     CANNOT_KNOW},
    {VALUE_OF("{sip.server|upper 'x'}"), "test.xml:5: \"upper\" has the wrong number of arguments: 1",
     CANNOT_KNOW},
    {VALUE_OF("{sip.server|bool 'x'}"), "test.xml:5: \"bool\" has the wrong number of arguments: 1",
     CANNOT_KNOW},
    {VALUE_OF("{sip.server|default x}"), "test.xml:5: no such setting: x", CANNOT_KNOW},
    {VALUE_OF("{sip.server|upper|isset}"), "test.xml:5: \"isset\" stands directly behind", CANNOT_KNOW},
    {VALUE_OF("{line.number|isset}"), "test.xml:5: \"isset\" stands directly behind", CANNOT_KNOW},
    {VALUE_OF("{sip.server$}"), "test.xml:5: a \"|\" is missing", CANNOT_KNOW},
    {VALUE_OF("{$}"), "test.xml:5: unexpected \"$\"", CANNOT_KNOW},
    {VALUE_OF("{v:x}"), "test.xml:5: ", CANNOT_KNOW},
    {VALUE_OF("{key.[k].type}"), "test.xml:5: \"key.[k].type\" names no loop variable in [ ]", CANNOT_KNOW},
    {VALUE_OF("{key.[].type}"), "test.xml:5: ", CANNOT_KNOW},
    {VALUE_OF("{key.].type}"), "test.xml:5: ", CANNOT_KNOW},
    {VALUE_OF("{key.N.type}"), "test.xml:5: ", CANNOT_KNOW},
    {VALUE_OF("{key.[.type}"), "test.xml:5: ", CANNOT_KNOW},
    {VALUE_OF("{model.}"), "test.xml:5: ", CANNOT_KNOW},
    {VALUE_OF("{tz.start}"), "test.xml:5: ", CANNOT_KNOW},
    {FILE_OF("<each name='k' in='1'><set key='k' value='{sip.[k]}'/></each>"), "test.xml:5: ", CANNOT_KNOW},
    {FILE_OF("<each name='k' in='1'/><set key='k' value='{k}'/>"), "test.xml:5: no such setting: k",
     CANNOT_KNOW},
};

static void broken_templates(void **state)
{
    for (size_t i = 0; i < PFS_N_ELEMENTS(all_broken); i++) {
        const struct broken *c = &all_broken[i];
        struct pfs_template *t = NULL;
        struct pfs_err err = {""};
        int r = pfs_template_parse("test.xml", c->text, strlen(c->text), catalogue, NULL, &t, &err);
        if (r != -EINVAL || strncmp(err.msg, "test.xml:", 9) != 0 || !strstr(err.msg, c->sentence))
            fail_msg("%d %s\ninstead of %s\n%s", r, err.msg, c->sentence, c->text);
        assert_null(t);
    }
}

static void the_schema_agrees(void **state)
{
    for (size_t i = 0; i < PFS_N_ELEMENTS(all_broken); i++) {
        const struct broken *c = &all_broken[i];
        autodoc xmlDoc *doc = NULL;
        int r = pfs_xml_read_memory("test.xml", c->text, strlen(c->text), &doc, NULL);
        assert_int_equal(r, c->in_schema == NO_DOCUMENT ? -EINVAL : 0);
        if (r < 0)
            continue;
        struct pfs_err err = {""};
        r = pfs_xml_validate(schema, doc, "test.xml", &err);
        if (r != (c->in_schema == REFUSES ? -EINVAL : 0))
            fail_msg("the schema: %d %s\n%s", r, err.msg, c->text);
        if (r < 0)
            assert_int_equal(strncmp(err.msg, "test.xml:", 9), 0);
    }
}

/* ---- Too much ---- */

static void check_bad(const char *text, const char *sentence)
{
    struct pfs_template *t;
    struct pfs_err err = {""};
    int r = pfs_template_parse("test.xml", text, strlen(text), catalogue, schema, &t, &err);
    if (r != -EINVAL || !strstr(err.msg, sentence))
        fail_msg("%d %s instead of %s", r, err.msg, sentence);
}

static void repeat(struct pfs_buf *b, const char *text, int n)
{
    for (int i = 0; i < n; i++)
        pfs_buf_str_add(b, text);
}

static void nesting(void **state)
{
    for (int depth = 15; depth <= 200; depth += depth < 18 ? 1 : 60) {
        struct pfs_buf text autobuf = PFS_BUF_INIT(0);
        pfs_buf_str_add(
            &text,
            "<template vendor='v'><model name='m' lines='1'/><file name='{mac}' syntax='xml-element'>");
        repeat(&text, "<element name='e'>", depth);
        repeat(&text, "</element>", depth);
        pfs_buf_str_add(&text, "</file></template>");
        if (depth > 16) {
            check_bad(pfs_buf_str(&text), "test.xml:1: elements are nested too deeply");
            continue;
        }
        struct bench b;
        bench_init(&b);
        struct pfs_template *t = must_parse(pfs_buf_str(&text));
        struct pfs_buf out autobuf = PFS_BUF_INIT(0);
        assert_int_equal(render_named(t, NULL, NULL, &b, &out, NULL), 0);
        pfs_template_unref(t);
        bench_done(&b);
    }
    struct pfs_buf deep autobuf = PFS_BUF_INIT(0);
    repeat(&deep, "<template>", 100000);
    check_bad(pfs_buf_str(&deep), "test.xml:1: ");
}

static void blocks_that_use_blocks(void **state)
{
    check_bad(PARTS("<block name='b'><use block='b'/><use block='b'/></block><file name='{mac}' "
                    "syntax='plain'><use block='b'/></file>"),
              "nested too deeply");
    check_bad(PARTS("<block name='a'><use block='b'/></block><block name='b'><use block='a'/></block><file "
                    "name='{mac}' syntax='plain'><use block='a'/></file>"),
              "nested too deeply");
    /* ten of ten of ten … */
    struct pfs_buf text autobuf = PFS_BUF_INIT(0);
    pfs_buf_str_add(&text, "<template vendor='v'><model name='m' lines='1'/><block name='b0'/>");
    for (int i = 1; i < 14; i++) {
        char use[64];
        snprintf(use, sizeof use, "<use block='b%d'/>", i - 1);
        pfs_buf_printf(&text, "<block name='b%d'>", i);
        repeat(&text, use, 10);
        pfs_buf_str_add(&text, "</block>");
    }
    pfs_buf_str_add(&text, "<file name='{mac}' syntax='plain'><use block='b13'/></file></template>");
    check_bad(pfs_buf_str(&text), "a file has more than 65536 elements");
}

static void many_of_each(void **state)
{
    static const struct {
        const char *before, *piece, *after, *sentence;
        int n;
    } all[] = {
        {"<template vendor='v'><model name='m' lines='1'/>", "<map name='x%d'/>", "</template>",
         "too many: \"map\"", 257},
        {"<template vendor='v'><model name='m' lines='1'/>", "<block name='x%d'/>", "</template>",
         "too many: \"block\"", 257},
        {"<template vendor='v'><model name='m' lines='1'/><file name='{mac}' syntax='plain'>",
         "<table name='x%d' by='sip.server'/>", "</file></template>", "too many tables", 9},
        {"<template vendor='v'><model name='m' lines='1'/><file name='{mac}' syntax='plain'><each name='c' "
         "in='",
         "w%d ", "'/></file></template>", "more than 1000 words", 1001},
        {"<template vendor='v'><model name='m' lines='1'/><file name='{mac}' syntax='plain'><text>", "{%d}",
         "</text></file></template>", "expressions", 600},
        {"<template vendor='v'><model name='m' lines='1'/><file name='{mac}' syntax='plain'><text>{1",
         "|add %d", "}</text></file></template>", "more than 16 filters", 17},
        {"<template vendor='v'><model name='m' lines='1'/><file name='{mac}' syntax='plain'><text>{1|is",
         " %d", "}</text></file></template>", "more than 32 arguments", 33},
        {"<template vendor='v'><model name='m' lines='1'/><file name='{mac}' syntax='plain' reserved='",
         "w%d ", "'/></template>", "too many words", 65},
        {"<template vendor='v'><model name='m' lines='1'/><file name='{mac}' syntax='plain'><text>{a", "b%d",
         "}</text></file></template>", "too long for a key", 100},
    };
    for (size_t i = 0; i < PFS_N_ELEMENTS(all); i++) {
        struct pfs_buf text autobuf = PFS_BUF_INIT(0);
        pfs_buf_str_add(&text, all[i].before);
        const char *number = strstr(all[i].piece, "%d");
        for (int j = 0; j < all[i].n; j++) {
            pfs_buf_add(&text, all[i].piece, (size_t)(number - all[i].piece));
            pfs_buf_printf(&text, "%d%s", j, number + 2);
        }
        pfs_buf_str_add(&text, all[i].after);
        check_bad(pfs_buf_str(&text), all[i].sentence);
    }
}

static void too_large_a_document(void **state)
{
    struct pfs_buf text autobuf = PFS_BUF_INIT(0);
    repeat(&text, "<!-- 0123456789 0123456789 0123456789 0123456789 0123456789 -->\n", 70000);
    check_bad(pfs_buf_str(&text), "test.xml: is larger than 4 MiB");
}

/* Line numbers beyond 65535 are right. */
static void far_lines(void **state)
{
    struct pfs_buf text autobuf = PFS_BUF_INIT(0);
    pfs_buf_str_add(&text, "<template vendor='v'>");
    repeat(&text, "\n", 70000);
    pfs_buf_str_add(&text, "<x>a</x></template>");
    check_bad(pfs_buf_str(&text), "test.xml:70001: unknown element");
}

/* ---- The library ---- */

static char *template_of(const char *vendor, const char *model, const char *common)
{
    static char text[2][512];
    static int turn;
    turn = !turn;
    snprintf(
        text[turn], sizeof text[turn],
        "<template vendor='%s'><model name='%s' lines='1'/><file name='{mac}.cfg' main='yes' syntax='plain'/>"
        "<file name='%s' per='model' syntax='plain'/></template>",
        vendor, model, common);
    return text[turn];
}

static void no_folders(void **state)
{
    struct folders f;
    make_folders(&f);
    struct pfs_library *l = load_library(&f, NULL);
    assert_int_equal(l->n_templates, 0);
    assert_int_equal(l->n_problems, 0);
    assert_null(pfs_library_model(l, "m"));
    assert_null(pfs_library_common(l, "x"));
    pfs_library_unref(l);
    f.source = (struct pfs_library_source){0};
    l = load_library(&f, NULL);
    assert_int_equal(l->n_templates, 0);
    pfs_library_unref(l);
    pfs_library_unref(NULL);
    /* a schema that is not there is an error; so is a folder that cannot be read */
    struct pfs_err err = {""};
    f.source = (struct pfs_library_source){.schema = "/nonexistent.rng"};
    assert_true(pfs_library_load(&f.source, catalogue, NULL, &l, &err) < 0);
    put_template(f.shipped, "loop/x.xml", "");
    char path[128];
    snprintf(path, sizeof path, "%s/around", f.shipped);
    assert_int_equal(symlink("around", path), 0);
    f.source = (struct pfs_library_source){.shipped = f.shipped};
    assert_int_equal(pfs_library_load(&f.source, catalogue, NULL, &l, &err), -ELOOP);
    remove_folders(&f);
}

/* Whose MAC it is, by what templates say of their vendors. */
static void vendors_of_macs(void **state)
{
    struct folders f;
    char out[PFS_VENDORS_STR];
    make_folders(&f);
    put_template(f.shipped, "acme/a.xml", "<template vendor='acme' mac='00:15:65 00:0b:82'/>");
    put_template(f.shipped, "acme/b.xml", "<template vendor='acme' mac='00:0b:82'/>");
    put_template(f.shipped, "beta/b.xml", "<template vendor='beta' mac=' ff:0b:82  00:0b:82 '/>");
    put_template(f.shipped, "none/n.xml", "<template vendor='none'/>");
    struct pfs_library *l = load_library(&f, NULL);
    assert_int_equal(l->n_problems, 0);
    assert_string_equal(pfs_library_vendors(l, 0x001565aabbcc, out), "acme");
    assert_string_equal(pfs_library_vendors(l, 0x000b82aabbcc, out), "acme beta");
    assert_string_equal(pfs_library_vendors(l, 0xff0b82aabbcc, out), "beta");
    assert_string_equal(pfs_library_vendors(l, 0x001566aabbcc, out), "");
    assert_true(pfs_library_vendor_has_mac(l, "beta", 0x000b82aabbcc));
    assert_false(pfs_library_vendor_has_mac(l, "beta", 0x001565aabbcc));
    assert_false(pfs_library_vendor_has_mac(l, "nobody", 0x001565aabbcc));
    pfs_library_unref(l);
    remove_folders(&f);
}

static void site_before_shipped(void **state)
{
    struct folders f;
    make_folders(&f);
    put_template(f.shipped, "acme/b.xml", template_of("acme", "acme-1", "common-b.cfg"));
    put_template(f.shipped, "acme/a.xml", template_of("acme", "acme-2", "common-a.cfg"));
    put_template(f.shipped, "acme/.hidden.xml", "broken");
    put_template(f.shipped, "acme/notes.txt", "broken");
    put_template(f.shipped, "README", "not a folder");
    put_template(f.site, "acme/own.xml", template_of("acme", "acme-1", "COMMON-own.cfg"));
    struct pfs_library *l = load_library(&f, NULL);
    assert_int_equal(l->n_templates, 3);
    assert_int_equal(l->n_problems, 0);
    assert_non_null(strstr(l->templates[0]->path, "/site/acme/own.xml"));
    assert_non_null(strstr(l->templates[1]->path, "/shipped/acme/a.xml"));
    assert_non_null(strstr(l->templates[2]->path, "/shipped/acme/b.xml"));
    assert_ptr_equal(pfs_library_model(l, "acme-1")->tmpl, l->templates[0]);
    assert_non_null(pfs_library_common(l, "common-OWN.cfg"));
    assert_null(pfs_library_common(l, "common-b.cfg")); /* its model is the site's now */
    assert_non_null(pfs_library_common(l, "Common-A.cfg"));
    assert_true(pfs_library_has_vendor(l, "acme", 4));
    assert_false(pfs_library_has_vendor(l, "acm", 3));
    pfs_library_unref(l);
    remove_folders(&f);
}

static void last_good_one_stays(void **state)
{
    struct folders f;
    make_folders(&f);
    put_template(f.site, "acme/own.xml", template_of("acme", "acme-1", "one.cfg"));
    put_template(f.site, "acme/two.xml", template_of("acme", "acme-2", "two.cfg"));
    struct pfs_library *first = load_library(&f, NULL);
    put_template(f.site, "acme/own.xml", "<template vendor='acme'>\n<x/></template>");
    struct pfs_library *second = load_library(&f, first);
    assert_int_equal(second->n_broken, 1);
    assert_int_equal(second->n_templates, 2);
    assert_non_null(problem_of(second, "the last good version stays in service: "));
    assert_non_null(problem_of(second, "/site/acme/own.xml:2: unknown element"));
    assert_ptr_equal(pfs_library_model(second, "acme-1"), pfs_library_model(first, "acme-1"));
    pfs_library_unref(first);
    /* … and once more, and when it is gone it is gone */
    struct pfs_library *third = load_library(&f, second);
    assert_non_null(pfs_library_model(third, "acme-1"));
    assert_int_equal(third->n_broken, 1);
    pfs_library_unref(second);
    put_template(f.site, "acme/own.xml", NULL);
    struct pfs_library *fourth = load_library(&f, third);
    assert_null(pfs_library_model(fourth, "acme-1"));
    assert_non_null(pfs_library_model(fourth, "acme-2"));
    assert_int_equal(fourth->n_problems, 0);
    pfs_library_unref(third);
    pfs_library_unref(fourth);
    /* without a previous one it is missing */
    put_template(f.site, "acme/own.xml", "<template vendor='acme'>\n<x/></template>");
    struct pfs_library *fresh = load_library(&f, NULL);
    assert_int_equal(fresh->n_templates, 1);
    assert_int_equal(fresh->n_broken, 1);
    assert_null(problem_of(fresh, "last good"));
    pfs_library_unref(fresh);
    remove_folders(&f);
}

static void claimed_twice(void **state)
{
    struct folders f;
    make_folders(&f);
    put_template(f.shipped, "a/a.xml", template_of("a", "m-1", "common.cfg"));
    put_template(f.shipped, "b/b.xml", template_of("b", "m-1", "other.cfg"));
    put_template(f.shipped, "c/c.xml", template_of("c", "m-3", "COMMON.cfg"));
    struct pfs_library *l = load_library(&f, NULL);
    assert_int_equal(l->n_problems, 2);
    assert_int_equal(l->n_broken, 0);
    assert_non_null(problem_of(l, "/b/b.xml:1: the model m-1 is claimed by "));
    assert_non_null(problem_of(l, "/c/c.xml:1: the file COMMON.cfg is claimed by "));
    assert_string_equal(pfs_library_model(l, "m-1")->tmpl->vendor, "a");
    assert_string_equal(pfs_library_common(l, "common.cfg")->model->tmpl->vendor, "a");
    pfs_library_unref(l);
    remove_folders(&f);
}

static void fingerprints(void **state)
{
    struct folders f;
    char from[256], to[256];
    make_folders(&f);
    uint64_t seen[10];
    size_t n = 0;
    seen[n++] = pfs_library_fingerprint(&f.source);
    put_template(f.shipped, "a/a.xml", template_of("a", "m", "1.cfg"));
    seen[n++] = pfs_library_fingerprint(&f.source);
    put_template(f.shipped, "a/a.xml", template_of("a", "m", "22.cfg"));
    seen[n++] = pfs_library_fingerprint(&f.source);
    put_template(f.shipped, "a/b.xml", template_of("a", "n", "1.cfg"));
    seen[n++] = pfs_library_fingerprint(&f.source);
    snprintf(from, sizeof from, "%s/a/b.xml", f.shipped);
    snprintf(to, sizeof to, "%s/a/c.xml", f.shipped);
    assert_int_equal(rename(from, to), 0);
    seen[n++] = pfs_library_fingerprint(&f.source);
    put_template(f.site, "a/a.xml", template_of("a", "m", "1.cfg"));
    seen[n++] = pfs_library_fingerprint(&f.source);
    put_template(f.shipped, "a/c.xml", NULL);
    seen[n++] = pfs_library_fingerprint(&f.source);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            assert_true(seen[i] != seen[j]);
    assert_true(pfs_library_fingerprint(&f.source) == seen[n - 1]);
    put_template(f.shipped, "a/notes.txt", "no template");
    assert_true(pfs_library_fingerprint(&f.source) == seen[n - 1]);
    struct pfs_library *l = load_library(&f, NULL);
    assert_true(l->fingerprint == seen[n - 1]);
    pfs_library_unref(l);
    remove_folders(&f);
}

static int add_name(void *arg, const struct pfs_model *m)
{
    struct pfs_buf *names = arg;
    pfs_buf_printf(names, "%s ", m->name);
    return strcmp(m->name, "stop") == 0 ? 7 : 0;
}

static int add_mac(void *arg, uint64_t mac)
{
    struct pfs_buf *macs = arg;
    pfs_buf_printf(macs, "%012llx ", (unsigned long long)mac);
    return mac == 1 ? 5 : 0;
}

static void check_macs(const struct pfs_library *l, const char *name, int r, const char *expected)
{
    struct pfs_buf macs autobuf = PFS_BUF_INIT(0);
    assert_int_equal(pfs_library_macs(l, name, add_mac, &macs), r);
    assert_string_equal(pfs_buf_str(&macs), expected);
}

static void questions(void **state)
{
    struct folders f;
    make_folders(&f);
    put_template(f.shipped, "a/a.xml",
                 "<template vendor='a'><model name='yealink-t46s' lines='1'/><model name='stop' "
                 "lines='1'/><model name='yealink-t42s' lines='1'/><model name='a' lines='1'/>"
                 "<file name='{mac}.cfg' main='yes' syntax='plain'/><file name='spa{mac}.xml' "
                 "syntax='plain'><alias name='x{MAC:}.y'/></file></template>");
    struct pfs_library *l = load_library(&f, NULL);
    struct pfs_buf names autobuf = PFS_BUF_INIT(0);
    assert_int_equal(pfs_library_models(l, add_name, &names), 7);
    assert_string_equal(pfs_buf_str(&names), "a stop ");
    const struct pfs_model *m = NULL;
    struct pfs_err err = {""};
    assert_int_equal(pfs_library_find_model(l, "yealink-t46s", &m, &err), 0);
    assert_string_equal(m->name, "yealink-t46s");
    assert_int_equal(pfs_library_find_model(l, "yealink-t46", &m, &err), -ENOENT);
    assert_string_equal(err.msg, "no such model: yealink-t46 (did you mean yealink-t46s?)");
    assert_int_equal(pfs_library_find_model(l, "yealink-t4xs", &m, &err), -ENOENT);
    assert_string_equal(err.msg, "no such model: yealink-t4xs (did you mean yealink-t42s?)");
    assert_int_equal(pfs_library_find_model(l, "something-else", &m, &err), -ENOENT);
    assert_string_equal(err.msg, "no such model: something-else (provfs list models shows them)");
    assert_int_equal(pfs_library_find_model(l, "", &m, &err), -ENOENT);
    check_macs(l, "001565aabbcc.cfg", 0, "001565aabbcc ");
    check_macs(l, "00:15:65:AA:BB:CC.CFG", 0, "001565aabbcc ");
    check_macs(l, "SPA001565aabbcc.xml", 0, "001565aabbcc ");
    check_macs(l, "x001565aabbcc.Y", 0, "001565aabbcc ");
    check_macs(l, "000000000001.cfg", 5, "000000000001 ");
    check_macs(l, "001565aabbcc", 0, "");
    check_macs(l, "", 0, "");
    pfs_library_unref(pfs_library_ref(l));
    pfs_library_unref(l);
    remove_folders(&f);
}

static void folders_of_names(void **state)
{
    struct folders f;
    bool devices;
    make_folders(&f);
    put_template(
        f.shipped, "a/a.xml",
        "<template vendor='a'><model name='m' lines='1'/><file name='P/Q/{mac}/x/y' syntax='plain'>"
        "<alias name='{mac}/z'/></file><file name='common/all' per='vendor' syntax='plain'/></template>");
    put_template(
        f.shipped, "b/b.xml",
        "<template vendor='b'><model name='n' lines='1'/><file name='P/q' per='model' syntax='plain'/>"
        "<file name='common/ALL/{mac}' syntax='plain'/></template>");
    struct pfs_library *l = load_library(&f, NULL);
    assert_true(pfs_library_folder(l, "", &devices) && devices);
    assert_true(pfs_library_folder(l, "p", &devices) && !devices);
    assert_true(pfs_library_folder(l, "P/Q", &devices) && devices);
    assert_false(pfs_library_folder(l, "p/q/001565aabbcc", &devices));
    assert_true(pfs_library_folder(l, "Common", &devices) && !devices);
    struct pfs_buf macs autobuf = PFS_BUF_INIT(0);
    static const char *const paths[] = {"p/q/00:15:65:aa:bb:cc", "p/q/001565aabbcc/X", "001565AABBCC"};
    for (size_t i = 0; i < PFS_N_ELEMENTS(paths); i++)
        assert_int_equal(pfs_library_folder_macs(l, paths[i], add_mac, &macs), 0);
    assert_string_equal(pfs_buf_str(&macs), "001565aabbcc 001565aabbcc 001565aabbcc ");
    assert_int_equal(pfs_library_folder_macs(l, "p/q/001565aabbcc/x/y", add_mac, &macs), 0);
    assert_int_equal(pfs_library_folder_macs(l, "p", add_mac, &macs), 0);
    assert_int_equal(macs.len, 3 * 13);
    assert_int_equal(l->n_problems, 2);
    assert_non_null(problem_of(l, "/b/b.xml:1: the file P/q is claimed by "));
    assert_non_null(problem_of(l, "/b/b.xml:1: the folder common/ALL/{mac} is claimed by "));
    pfs_library_unref(l);
    remove_folders(&f);
}

/* The templates that come with the program. */
static void shipped_templates(void **state)
{
    autofree char *folder = strdup(source_path("templates"));
    autofree char *rng = strdup(source_path("schema/template.rng"));
    struct pfs_library_source source = {.shipped = folder, .schema = rng};
    struct pfs_library *l = NULL;
    struct pfs_err err = {""};
    assert_int_equal(pfs_library_load(&source, catalogue, NULL, &l, &err), 0);
    for (size_t i = 0; i < l->n_problems; i++)
        print_error("%s\n", l->problems[i]);
    assert_int_equal(l->n_problems, 0);
    assert_true(l->n_templates > 0);
    pfs_library_unref(l);
}

/* What check trusts a template on: a pair that does not come back is told. */
static void reading_back(void **state)
{
    static const struct {
        const char *syntax, *good, *bad[3];
    } cases[] = {
        {"plain", "x\na=1\nb=two\n", {"a=1\nb=tw\n", "b=two\na=1\n", "a=1\n#b=two\n"}},
        {"quoted", "a=\"1\"\nb=\"two\"\n", {"a=\"1\"\nb=\"two\\\"\"\n", "a=\"1\"\n", "a=\"\"\nb=\"two\"\n"}},
        {"xml-element",
         "<x><a>1</a><b>two</b></x>",
         {"<x><a>1</a><c>two</c></x>", "<x><a>1</a><b>two</x>", "<x><b>two</b><a>1</a></x>"}},
        {"xml-attribute",
         "<x a='1'><y b='two'/></x>",
         {"<x a='1' c='two'/>", "<x/>", "<x a='1' a='1' b='two'/>"}},
        {"xml-entry",
         "<x><entry name='a'>1</entry><entry name='b'>two</entry></x>",
         {"<x><entry name='a'>1</entry></x>", "<x><entry name='a'>two</entry><entry name='b'>1</entry></x>",
          "<x>"}},
    };
    const struct pfs_pair pairs[] = {{.key = "a", .value = "1"}, {.key = "b", .value = "two"}};
    for (size_t i = 0; i < PFS_N_ELEMENTS(cases); i++) {
        struct pfs_file_spec spec = {.syntax = pfs_syntax_find(cases[i].syntax)};
        const struct pfs_file file = {.spec = &spec};
        struct pfs_err err = {""};
        if (pfs_read_back_bytes(&file, pairs, 2, cases[i].good, strlen(cases[i].good), &err) != 0)
            fail_msg("%s: %s", cases[i].syntax, err.msg);
        for (size_t j = 0; j < PFS_N_ELEMENTS(cases[i].bad); j++)
            if (pfs_read_back_bytes(&file, pairs, 2, cases[i].bad[j], strlen(cases[i].bad[j]), &err) !=
                -EINVAL)
                fail_msg("%s: %s is taken", cases[i].syntax, cases[i].bad[j]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_templates),
        cmocka_unit_test(the_schema_agrees),
        cmocka_unit_test(nesting),
        cmocka_unit_test(blocks_that_use_blocks),
        cmocka_unit_test(many_of_each),
        cmocka_unit_test(too_large_a_document),
        cmocka_unit_test(far_lines),
        cmocka_unit_test(no_folders),
        cmocka_unit_test(vendors_of_macs),
        cmocka_unit_test(site_before_shipped),
        cmocka_unit_test(last_good_one_stays),
        cmocka_unit_test(claimed_twice),
        cmocka_unit_test(fingerprints),
        cmocka_unit_test(questions),
        cmocka_unit_test(folders_of_names),
        cmocka_unit_test(shipped_templates),
        cmocka_unit_test(reading_back),
    };
    return cmocka_run_group_tests(tests, fixture_up, fixture_down);
}
