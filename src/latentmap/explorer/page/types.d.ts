/*
 * Types that several modules share. `Scene` is the JSON in the page; a `Source` loads all other data.
 */

/** x and y, in map coordinates or in CSS pixels. */
export type Point = [number, number];

/** Smallest x and y, largest x and y. */
export type Bounds = [number, number, number, number];

export interface PictureSize {
  height: number;
  width: number;
  /** 1 (grey) or 3 (RGB) */
  channels: number;
}

/** An image row: bytes, row-major, channels last. */
export interface Picture extends PictureSize {
  data: Uint8Array | Uint8ClampedArray;
}

/**
 * The values of a table row in the order of the columns: numbers, dates in seconds since 1970, and
 * texts. A missing value is null.
 */
export type TableRow = (number | string | null)[];

export type Row = Picture | TableRow;

export interface Column {
  name: string;
  kind: "number" | "date" | "category" | "text";
  unit?: string;
  /** False for a column that the model does not contain, such as a name. */
  is_fitted?: boolean;
  /** Range, mean and standard deviation of numbers and dates. */
  low?: number;
  high?: number;
  mean?: number;
  std?: number;
  /** Whether all numbers in the data are whole. */
  is_integer?: boolean;
  /** Whether all decoded numbers are whole. */
  is_decoded_whole?: boolean;
  /** Of dates: a day, a day with a time, a time of day, or a difference. */
  format?: "date" | "datetime" | "time" | "duration";
  time_zone?: string;
  /** Difference in seconds between two dates that an exported file can distinguish. */
  resolution?: number;
  categories?: string[];
  /** Share of each category, 0–1. */
  shares?: number[];
}

/** A label, score or column that points can be coloured by. */
export interface ColorScale {
  name: string;
  /** Index of a column of the table. */
  column?: number;
  is_computed?: boolean;
  /** Names of the categories; undefined for numbers. */
  categories?: string[];
  /** The range of numbers. */
  low?: number;
  high?: number;
}

/** A colour scale with the value of each row: the index of a category, or a quantised number. */
export interface Colors extends ColorScale {
  values: Uint16Array;
}

/** Nodes or cells on the map. */
export interface Grid {
  width: number;
  height: number;
  bounds: Bounds;
}

/** Sprite sheets of equal pictures. */
export interface SheetLayout {
  images_per_sheet: number;
  images_per_line: number;
  /** Of one picture. */
  height: number;
  width: number;
}

/** Rows in an exported file. */
export interface StoredRows {
  row(i: number): Promise<Row>;
  /** Return the quantised numbers, or the indices of the categories, of a column of a table. */
  column?(j: number): Promise<Uint16Array>;
}

export type Numbers = Float32Array | Float64Array | Uint32Array;

/** Position of an array in a block of bytes. */
export interface ArrayReference {
  type: "float16" | "float32" | "float64" | "uint32";
  start: number;
  length: number;
}

/** Settings of an operation of the encoder; see `inference/evaluator.py`. */
export interface Settings {
  activation?: string;
  low?: number;
  high?: number;
  start?: number;
  stop?: number;
  indices?: number[];
}

/** Name of a number in `maps/placement.py`, `maps/directions.py` or `preprocessing/neighbors.py`. */
type PlacementConstant =
  | "MIN_CELLS" | "MAX_CELLS" | "MAX_CELL_RATIO" | "CLUSTER_NEIGHBORS" | "WIDE_WINDOW" | "NARROW_SQUARINGS"
  | "ENCODER_WINDOW" | "WIDE_DECAY" | "NARROW_DECAY" | "MIN_AGREEMENT" | "MIN_CLUSTER_VOTE" | "TINY" | "ROUNDING"
  | "MIN_LENGTH";

/** Stored rows by which a map places rows; see `maps/placement.py`. */
export interface PlacementDescription extends Record<
  "offset" | "scale" | "row_mean" | "components" | "points" | "positions" | "centers" | "starts", ArrayReference
> {
  n_neighbors: number;
  window: number;
  encoder_weight: number;
  penalty: number;
  /** Sizes of the groups of rows near each other on the map, and the rows that can be members. */
  groups: { size: number; candidates: ArrayReference }[];
  point_scale: number;
  constants: Record<PlacementConstant, number> & { GROUP_WEIGHTS: number[] };
  direction_matrix: ArrayReference | null;
  direction_offset: ArrayReference | null;
}

/** The graph of the encoder, its stored rows, and the format of its rows; see `page_encoder.py`. */
export interface EncoderDescription {
  nodes: { operation: string; inputs: number[]; input_shape: number[]; settings: Settings; weights: ArrayReference[] }[];
  placement: PlacementDescription | null;
  row_format: ImageFormat | ColumnFormat | TableFormat;
}

/** The numbers of black and white in image rows, and the number of channels of these rows. */
export interface ImageFormat {
  low: number;
  high: number;
  channels: number;
}

/** Names of the numbers of a row, and the number that each displayed column shows, null for none. */
export interface ColumnFormat {
  names: string[];
  displayed: (number | null)[];
}

/** The columns of a fitted table that have encoded numbers; see `page_encoder.py`. */
export interface TableFormat {
  columns: TableColumn[];
}

export type TableColumn =
  | { name: string; kind: "number" | "date" | "duration"; mean: number; scale: number; arsinh_scale: number | null }
  /** The values of each level, and the shares of the levels that have an encoded number. */
  | { name: string; kind: "category"; levels: string[][]; shares: number[]; weight: number };

/** A row of a file or drawing. */
export interface NewRow {
  numbers: Float32Array;
  original: Row;
}

export interface NewRows {
  rows: NewRow[];
  /** Rows in the file. */
  total: number;
  note: string;
}

export interface Scene {
  mode: "server" | "file";
  title: string;
  dataset: string;
  model: string;
  /** Rows shown. */
  n: number;
  /** Rows in the data set. */
  total: number;
  row: (PictureSize & { kind: "image"; columns?: Column[] }) | { kind: "table"; columns: Column[] };
  bounds: Bounds;
  n_components: number;
  /** Share of the variance of the codes that the map shows, 0–1. */
  explained_variance: number;
  /** Words that do not distinguish texts; only for tables with texts. */
  stop_words?: string[];
  /** The buffer with the name of each row, null if the rows have no names. */
  names: string | null;
  density: Grid;
  /** The encoder of the model, null if the page cannot compute it. */
  encoder: EncoderDescription | null;
  /** Why there is no encoder, as the end of a sentence. */
  unsupported_encoder: string | null;
  color_scales: ColorScale[];
  /** The largest file that the server reads. */
  max_upload_bytes?: number;
  /** In an exported file: decoded rows, as pictures or as quantised values of a table. */
  grid?: Grid & { sheets?: SheetLayout; low?: number[]; high?: number[] };
  /** In an exported file: original and reconstructed pictures. */
  originals?: SheetLayout;
  reconstructions?: SheetLayout;
}

export interface Scores {
  /** 0–1 */
  confidence: number | null;
  error: number | null;
}

export interface RowDetails extends Scores {
  /** Position in the data set. */
  number: number;
  name: string | null;
  label: string | null;
  original: Row;
  reconstruction: Row;
  /** The values of the columns beside an image. */
  metadata?: TableRow;
}

/** The position and details of a row of the user. */
export interface PlacedRow extends Scores {
  point: Point;
  similar: number[];
  distances: number[];
  original: Row;
  reconstruction: Row;
}

export interface Placement {
  rows: PlacedRow[];
  /** Rows in the file. */
  total: number;
  note: string;
}

/** The server or the exported file, which provide buffers, decoded rows and details. */
export interface Source {
  buffer(name: string): Promise<ArrayBuffer>;
  colors(index: number): Promise<Colors>;
  decode(points: Point[]): Promise<{ densities: number[]; rows: Row[] }>;
  details(row: number): Promise<RowDetails>;
  thumbnails(rows: number[]): Promise<Picture[]>;
  /** Return rows of a table. */
  tableRows(rows: number[]): Promise<TableRow[]>;
  similar(row: number): Promise<{ rows: number[]; distances: number[] }>;
  place(name: string, file: Blob): Promise<Placement>;
  csv(rows: number[]): Promise<Blob>;
  /** Decode images in the background before they are needed. */
  prepare?(): Promise<void>;
}

/** The values of a colour scale that pass: some categories, or a range of quantised numbers. */
export type Filter = { categories: Set<number> } | { low: number; high: number };

/** A difference between a group of rows and the other rows: of a number, a category or a word. */
export interface Difference {
  /** Of the number or category. */
  colors?: Colors;
  /** The category or word. */
  value?: string;
  isWord?: boolean;
  /** Cohen's d of a number, or Cohen's h of a share. */
  effect: number;
  /** Mean of the group and of the other rows, or the shares of their rows with the category or word. */
  groupValue: number;
  otherValue: number;
  /** The pooled standard deviation of a number. */
  std?: number;
}

/** The rows nearest to a point on the map, and the radius of the circle that contains them. */
export interface Neighborhood {
  center: Point;
  radius: number;
  rows: number[];
}

export type Theme = "light" | "dark";
export type Tool = "move" | "lasso" | "box" | "interpolate";

/** The rows of a file or drawing of the user. `current` is the index of the row in the panel. */
export interface Upload extends Placement {
  title: string;
  current: number;
}

export interface State {
  theme: Theme;
  tool: Tool;
  /** Index in `scene.color_scales`. */
  colorScale: number;
  /** Values of the colour scale that is shown. */
  colors: Colors;
  /** Values of the labels, null until they are loaded. */
  labels: Colors | null;
  /** Categories that are not drawn. */
  hiddenCategories: Set<number>;
  /** Filters of colour scales, by their index. */
  filters: Map<number, Filter>;
  /** 1 for each row that passes all filters, null without filters. */
  passing: Uint8Array | null;
  /** The text in the search field. */
  query: string;
  /** 1 for each row that the search finds, null without a search. */
  matches: Uint8Array | null;
  /** The map position that is decoded. */
  position: Point | null;
  /** The mark of the position. The arrow keys move a cross. */
  cursor: "mouse" | "finger" | "cross";
  /** The row at the position, -1 for none. */
  hoveredRow: number;
  /** The row that was clicked, -1 for none. */
  pickedRow: number;
  /** The position that was clicked if there is no row, else null. */
  pickedPoint: Point | null;
  /** The rows around the picked row or point. */
  neighborhood: Neighborhood | null;
  /** 1 for each selected row. */
  selection: Uint8Array | null;
  /** The current lasso or box. */
  outline: Point[] | null;
  /** Ends of the interpolation: none, one or two points. */
  path: Point[];
  upload: Upload | null;
  /** Points of a drawing or file for which the server has not returned details yet. */
  previewPoints: Point[];
  /** Whether density contours are drawn. */
  contours: boolean;
}

/** A pixel at which a pointer is pressed. `adds` is true with the Shift key, which adds to a selection. */
export interface Press {
  left: number;
  top: number;
  adds: boolean;
}

/** Functions of a tool that are called between the press and the release of a pointer. */
export interface Gesture {
  drag(press: Press): void;
  end(press: Press, isClick: boolean): void;
}

export type StartGesture = (press: Press) => Gesture;
export type GoToRow = (row: number) => void;
export type PlaceFile = (upload: { file: Blob; name: string; title: string }) => Promise<void>;
