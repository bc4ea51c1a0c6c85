/* The words of fingerprints, made for this program. Within a list any two words differ in at least three sounds, across the lists
 * in two (measured with a pronouncing dictionary); spellings that differ between countries and words of the radio alphabet were
 * left out. Both lists stay as they are for good: a word that changes makes two versions of this program disagree. */
#include "formats/fingerprint.h"

enum { LIST_LEN = 256 };

static const char *const two_syllables[LIST_LEN] = {
    "acorn",    "album",     "almost",    "alpine",   "antique",   "apron",     "artist",    "atlas",
    "autumn",   "backyard",  "bamboo",    "banjo",    "basket",    "bison",     "blossom",   "boxer",
    "bracket",  "breakfast", "brother",   "bugle",    "builder",   "bumper",    "cactus",    "canyon",
    "carbon",   "catfish",   "cavern",    "cement",   "cherry",    "civic",     "clinic",    "clover",
    "cluster",  "compass",   "contest",   "cradle",   "crayon",    "crimson",   "crispy",    "crystal",
    "cupboard", "cushion",   "custom",    "cyclone",  "daisy",     "dentist",   "dolphin",   "donkey",
    "dragon",   "driver",    "duckling",  "dusty",    "elbow",     "emblem",    "envoy",     "enzyme",
    "escort",   "evening",   "expert",    "fabric",   "famous",    "farmer",    "festive",   "finger",
    "forest",   "freckle",   "freezer",   "friendly", "frosty",    "frozen",    "gadget",    "garlic",
    "giraffe",  "glitter",   "glossy",    "goblet",   "goggles",   "golden",    "gopher",    "gravy",
    "guitar",   "gymnast",   "hamster",   "hedgehog", "hermit",    "humble",    "hunter",    "husband",
    "hybrid",   "iceberg",   "igloo",     "insect",   "instant",   "island",    "jaguar",    "jasmine",
    "jigsaw",   "journal",   "jungle",    "junior",   "kayak",     "kidney",    "lagoon",    "lantern",
    "laptop",   "laundry",   "leaflet",   "legend",   "lettuce",   "lively",    "lizard",    "lobster",
    "locust",   "lucky",     "magnet",    "magpie",   "mango",     "maple",     "marvel",    "matrix",
    "meadow",   "merchant",  "mermaid",   "midnight", "modern",    "moonlight", "mountain",  "napkin",
    "native",   "nature",    "neon",      "nephew",   "normal",    "northern",  "notebook",  "nugget",
    "nutmeg",   "oatmeal",   "object",    "orange",   "orchard",   "osprey",    "outfit",    "pancake",
    "panda",    "pantry",    "pasture",   "pavement", "pebble",    "picnic",    "pillow",    "plaza",
    "pony",     "portrait",  "postage",   "pretzel",  "profile",   "public",    "pumpkin",   "python",
    "quarter",  "quilted",   "raccoon",   "radish",   "rainbow",   "raisin",    "rescue",    "resort",
    "rhythm",   "rosebud",   "rugged",    "rustic",   "sapling",   "sausage",   "scanner",   "season",
    "shaggy",   "shepherd",  "sheriff",   "shower",   "signal",    "skillet",   "sleepy",    "sloping",
    "smoky",    "sneaker",   "snowman",   "soldier",  "spaniel",   "sparrow",   "spider",    "spinach",
    "spiral",   "sponsor",   "spotted",   "squirrel", "stable",    "statue",    "stencil",   "stormy",
    "student",  "sunset",    "swallow",   "swampy",   "swimmer",   "tadpole",   "talent",    "temple",
    "textile",  "thicket",   "throttle",  "tiger",    "timber",    "tinsel",    "toddler",   "token",
    "topic",    "tractor",   "treasure",  "tripod",   "trophy",    "truffle",   "trumpet",   "tulip",
    "tundra",   "twilight",  "vacant",    "vector",   "velvet",    "vintage",   "virtue",    "volume",
    "voyage",   "vulture",   "waffle",    "walrus",   "warbler",   "warden",    "wasteland", "wedding",
    "welcome",  "western",   "whirlpool", "whisker",  "wildcat",   "window",    "wisdom",    "witness",
    "wombat",   "woodland",  "wrinkle",   "yearly",   "youngster", "zebra",     "zenith",    "zigzag",
};

static const char *const three_syllables[LIST_LEN] = {
    "acrobat",   "adjective", "admiral",   "advisor",   "afternoon", "agency",    "algebra",   "altitude",
    "ambition",  "amplify",   "antelope",  "apartment", "apricot",   "assembly",  "astronaut", "audience",
    "avenue",    "badminton", "balcony",   "barbecue",  "beautiful", "benefit",   "bicycle",   "blueberry",
    "botanist",  "bravery",   "bungalow",  "butterfly", "canopy",    "carnation", "carousel",  "carpenter",
    "cathedral", "centipede", "ceramic",   "champion",  "charity",   "citizen",   "clarinet",  "classical",
    "coconut",   "confetti",  "cosmetic",  "cranberry", "creative",  "crocodile", "cucumber",  "curious",
    "cylinder",  "decorate",  "detective", "develop",   "diagram",   "dignity",   "dinosaur",  "diploma",
    "director",  "document",  "domino",    "donation",  "dramatic",  "eloquent",  "emperor",   "energy",
    "engineer",  "episode",   "equation",  "espresso",  "estimate",  "eternal",   "evidence",  "example",
    "excellent", "exhibit",   "explorer",  "fabulous",  "factory",   "fantastic", "fertilize", "finalist",
    "fisherman", "flamingo",  "flexible",  "following", "formula",   "fortunate", "frequency", "furniture",
    "galaxy",    "gentleman", "genuine",   "glorious",  "gondola",   "governor",  "graduate",  "graffiti",
    "halibut",   "hamburger", "handlebar", "happiness", "harmony",   "harvester", "hazelnut",  "heroic",
    "hexagon",   "hibernate", "holiday",   "horizon",   "hurricane", "iguana",    "imagine",   "imitate",
    "important", "improvise", "indigo",    "industry",  "infinite",  "insider",   "interview", "introduce",
    "inventor",  "isotope",   "italic",    "jellyfish", "justify",   "kangaroo",  "karate",    "kilogram",
    "kimono",    "ladybug",   "liberty",   "lollipop",  "lullaby",   "luxury",    "magazine",  "magenta",
    "manicure",  "marathon",  "marina",    "marmalade", "matador",   "medallion", "melody",    "meteor",
    "microwave", "molecule",  "momentum",  "mosquito",  "motivate",  "mulberry",  "multiply",  "muscular",
    "narrative", "navigate",  "nitrogen",  "nostalgic", "nutrient",  "oasis",     "observer",  "obstacle",
    "occupy",    "october",   "official",  "opening",   "operate",   "opinion",   "oracle",    "organic",
    "ornament",  "overcoat",  "oxygen",    "papaya",    "paprika",   "paradox",   "passenger", "pedestal",
    "percolate", "performer", "permanent", "personal",  "piccolo",   "pineapple", "playfully", "plentiful",
    "poetry",    "polygon",   "porcupine", "potato",    "practical", "precipice", "primary",   "property",
    "protector", "pyramid",   "qualify",   "rectangle", "regular",   "reporter",  "republic",  "reservoir",
    "robotic",   "royalty",   "safari",    "satisfy",   "saxophone", "scientist", "scorpion",  "sediment",
    "sensible",  "september", "serenade",  "shoemaker", "silvery",   "singular",  "solitude",  "souvenir",
    "spaghetti", "spatula",   "spectacle", "stadium",   "strategy",  "submarine", "sunflower", "sycamore",
    "symphony",  "synthetic", "tangerine", "tapestry",  "taxicab",   "tomorrow",  "tornado",   "triangle",
    "tuition",   "umbrella",  "unicorn",   "uniform",   "universe",  "valentine", "valuable",  "vanilla",
    "veranda",   "verify",    "vibration", "vigorous",  "vinegar",   "violin",    "vocalist",  "volcano",
    "warranty",  "waterfall", "wonderful", "xylophone", "yesterday", "zeppelin",  "zodiac",    "zucchini",
};

const char *fingerprint_word(size_t place, uint8_t value)
{
    return (place % 2 == 0 ? two_syllables : three_syllables)[value];
}
